# A page of Markdown as HTML: headings, lists, paragraphs, links and emphasis.
function inline(text) {
  gsub(/&/, "\\&amp;", text)
  gsub(/</, "\\&lt;", text)
  while (match(text, /\[[^]]*\]\([^)]*\)/)) {
    link = substr(text, RSTART, RLENGTH)
    split(link, part, /\]\(/)
    label = substr(part[1], 2)
    target = substr(part[2], 1, length(part[2]) - 1)
    sub(/\.md$/, ".html", target)
    text = substr(text, 1, RSTART - 1) "<a href=\"" target "\">" label "</a>" substr(text, RSTART + RLENGTH)
  }
  while (match(text, /\*[^*]+\*/))
    text = substr(text, 1, RSTART - 1) "<em>" substr(text, RSTART + 1, RLENGTH - 2) "</em>" substr(text, RSTART + RLENGTH)
  return text
}
function add(line) { content = content "    " line "\n" }
function close_list() { if (listed) add("</ul>"); listed = 0 }

/^## / { close_list(); add("<h2>" inline(substr($0, 4)) "</h2>"); next }
/^# /  { close_list(); add("<h1>" inline(substr($0, 3)) "</h1>"); title = inline(substr($0, 3)) " · " title; next }
/^- /  { if (!listed) add("<ul>"); listed = 1; add("<li>" inline(substr($0, 3)) "</li>"); next }
/./    { close_list(); add("<p>" inline($0) "</p>") }

END {
  close_list()
  while ((getline line < template) > 0) {
    if (line == "{{content}}") printf "%s", content
    else {
      at = index(line, "{{title}}")
      print at ? substr(line, 1, at - 1) title substr(line, at + 9) : line
    }
  }
}
