'use strict';
const { pathToFileURL } = require('node:url');

/** Apart from the launcher, because an old Node cannot even read a dynamic import. */
module.exports = (file) => import(pathToFileURL(file).href);
