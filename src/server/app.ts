import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import { type FastifyInstance, fastify } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { AppDeps, RouteDeps } from './app-deps.ts';
import { answerError, notFound } from './answer-error.ts';
import { defaultLimits } from './http-limits.ts';
import { loggerOptions, requestLog } from './request-log.ts';
import { actRoutes } from './routes/acts.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { deploymentRoutes } from './routes/deployments.ts';
import { documentRoutes } from './routes/documents.ts';
import { healthRoutes } from './routes/health.ts';
import { projectRoutes } from './routes/projects.ts';
import { runRoutes } from './routes/runs.ts';
import { stageDocumentRoutes } from './routes/stage-documents.ts';
import { streamRoutes } from './routes/streams.ts';
import { workerRoutes } from './routes/worker.ts';
import { workerDirectRoutes } from './routes/worker-direct.ts';
import { workerBytesRoutes } from './routes/worker-bytes.ts';
import { slowBodies } from './slow-bodies.ts';

/**
 * The HTTP side of a server: what it is made of comes in, a fastify instance that does not listen yet comes out. One request shape and one error shape for
 * all; what a route's schema does not name is not answered. `inProcessAgent(app.server)` reaches it without a port once it is `ready`.
 */
export const makeApp = (given: AppDeps): FastifyInstance => {
  const deps: RouteDeps = { ...given, limits: { ...defaultLimits, ...given.limits } };
  const { limits } = deps;
  const app = fastify({
    logger: loggerOptions(deps.log),
    logController: requestLog(),
    bodyLimit: limits.bodyBytes,
    connectionTimeout: limits.idleMs,
    forceCloseConnections: true,
    trustProxy: deps.proxies === undefined ? false : [...deps.proxies],
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: Math.min(5000, limits.headersMs) },
    routerOptions: { maxParamLength: 1024 },
    // A part of a path that cannot be decoded is an unknown path, not a server's error.
    frameworkErrors: answerError,
  });
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(notFound);
  slowBodies(app, deps.clock, limits.bodyMs);

  void app.register(helmet, { contentSecurityPolicy: { directives: contentSecurity }, referrerPolicy: { policy: 'no-referrer' } });
  void app.register(rateLimit, {
    max: limits.requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: ({ ip }) => (ip as string | undefined) ?? 'in this process',
  });
  void app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'cion', version: '1' } },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  void app.register(async (scope) => {
    scope.get('/api/openapi.json', { schema: { hide: true } }, () => app.swagger());
  });
  void app.register(cookie);
  // First, so that what they know of a request is known to all routes.
  for (const plugin of deps.plugins) void app.register(plugin);
  void app.register(healthRoutes(deps));
  void app.register(projectRoutes(deps));
  const ofProject = { prefix: '/api/projects/:owner/:name' };
  for (const routes of [runRoutes, streamRoutes, artifactRoutes, documentRoutes, deploymentRoutes, actRoutes])
    void app.register(routes(deps), ofProject);
  void app.register(stageDocumentRoutes(deps));
  // They come many a second, and what they did is in the events.
  const quiet = { logLevel: 'warn' } as const;
  void app.register(workerRoutes(deps), quiet);
  void app.register(workerBytesRoutes(deps), quiet);
  void app.register(workerDirectRoutes(deps), quiet);
  return app;
};

const contentSecurity = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
  upgradeInsecureRequests: null,
};
