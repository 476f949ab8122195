/* daemon/console/console_files.h - the files of daemon/console/, put into the program by CMake. */
#ifndef RECSYSD_CONSOLE_FILES_H
#define RECSYSD_CONSOLE_FILES_H

#include "daemon/http/file.h"

#define RD_CONSOLE_FILES(X)                                                                        \
    X(index_html, "", "text/html; charset=utf-8", false)                                           \
    X(console_css, "console.css", "text/css; charset=utf-8", false)                                \
    X(icon_svg, "icon.svg", "image/svg+xml", false)                                                \
    X(dom_js, "dom.js", "text/javascript; charset=utf-8", false)                                   \
    X(feed_js, "feed.js", "text/javascript; charset=utf-8", false)                                 \
    X(figures_js, "figures.js", "text/javascript; charset=utf-8", false)                           \
    X(format_js, "format.js", "text/javascript; charset=utf-8", false)                             \
    X(latency_js, "latency.js", "text/javascript; charset=utf-8", false)                           \
    X(main_js, "main.js", "text/javascript; charset=utf-8", false)                                 \
    X(metrics_js, "metrics.js", "text/javascript; charset=utf-8", false)                           \
    X(models_js, "models.js", "text/javascript; charset=utf-8", false)                             \
    X(try_js, "try.js", "text/javascript; charset=utf-8", false)

RD_CONSOLE_FILES(RD_FILE_DECLARE)

#endif
