/* daemon/console/console_files.h - the files of the console, put into the program by CMake. */
#ifndef RECSYSD_CONSOLE_FILES_H
#define RECSYSD_CONSOLE_FILES_H

#include <stddef.h>

/* The files of daemon/console/ but index.html: name in C, name in the path, type. */
#define RD_CONSOLE_FILES(X)                                                                        \
    X(console_css, "console.css", "text/css; charset=utf-8")                                       \
    X(icon_svg, "icon.svg", "image/svg+xml")                                                       \
    X(dom_js, "dom.js", "text/javascript; charset=utf-8")                                          \
    X(feed_js, "feed.js", "text/javascript; charset=utf-8")                                        \
    X(figures_js, "figures.js", "text/javascript; charset=utf-8")                                  \
    X(format_js, "format.js", "text/javascript; charset=utf-8")                                    \
    X(latency_js, "latency.js", "text/javascript; charset=utf-8")                                  \
    X(main_js, "main.js", "text/javascript; charset=utf-8")                                        \
    X(metrics_js, "metrics.js", "text/javascript; charset=utf-8")                                  \
    X(models_js, "models.js", "text/javascript; charset=utf-8")                                    \
    X(try_js, "try.js", "text/javascript; charset=utf-8")

#define RD_CONSOLE_DECLARE(name, path, type)                                                       \
    extern const unsigned char rd_##name[];                                                        \
    extern const size_t rd_##name##_size;

RD_CONSOLE_FILES(RD_CONSOLE_DECLARE)
RD_CONSOLE_DECLARE(index_html, "", "")

#endif
