/* daemon/config_table.h - every setting of recsysd, once.
 *
 * This table makes the configuration file's parser, the environment variables,
 * the flags, --help, --print-config and the table in docs/daemon.md. A new
 * setting is a new line here and nothing else.
 *
 * X(name, TYPE, min, max, default, unit, help)
 *   TEXT    a string; min and max bound its length in bytes
 *   NUMBER  a decimal integer between min and max
 *   SWITCH  on or off; a flag without a value means on
 *   CHOICE  one of the words in the unit column
 */
#ifndef RECSYSD_CONFIG_TABLE_H
#define RECSYSD_CONFIG_TABLE_H

/* clang-format off */
#define RD_CONFIG_TABLE(X) \
    X(model, TEXT, 0, 4095, "", "", \
      "bundle directory, model file or models:/ URI to serve") \
    X(registry, TEXT, 0, 4095, "", "", \
      "directory of published models, for models:/ URIs") \
    X(listen, TEXT, 1, 255, "127.0.0.1:8000", "", \
      "IPv4 address and port; port 0 takes a free one") \
    X(port_file, TEXT, 0, 4095, "", "", \
      "write the port that is listened on to this file") \
    X(wait_for_model, SWITCH, 0, 1, "off", "", \
      "start without a model if it cannot be loaded, and keep trying") \
    X(env, CHOICE, 0, 1, "development", "development|production", \
      "production hides /openapi.json") \
    X(allow_unauthenticated, SWITCH, 0, 1, "off", "", \
      "listen beyond loopback although no API keys are set") \
    X(api_keys_file, TEXT, 0, 4095, "", "", \
      "one key a line; every /api route then needs one of them") \
    X(admin_token, TEXT, 0, 255, "", "", \
      "token for the routes that change models; better given by file or environment") \
    X(admin_token_file, TEXT, 0, 4095, "", "", \
      "file whose first line is the admin token") \
    X(cors_origins, TEXT, 0, 4095, "", "", \
      "origins whose pages may call, separated by commas; * = all") \
    X(threads, NUMBER, 1, 1024, "64", "threads", \
      "worker threads: connections that are served at once") \
    X(max_connections, NUMBER, 1, 65536, "1024", "connections", \
      "accepted connections, those that wait for a worker included") \
    X(request_timeout_ms, NUMBER, 100, 600000, "10000", "ms", \
      "for a request to arrive, and for waiting on another thread's work") \
    X(keep_alive_timeout_ms, NUMBER, 1, 600000, "5000", "ms", \
      "how long an idle connection stays open") \
    X(max_header_bytes, NUMBER, 1024, 1048576, "16384", "bytes", \
      "request line and headers; 431 beyond") \
    X(max_body_bytes, NUMBER, 1024, 268435456, "1048576", "bytes", \
      "request body; 413 beyond") \
    X(gzip_min_bytes, NUMBER, 0, 1073741824, "1000", "bytes", \
      "compress replies of at least this size; 0 = never") \
    X(cache_bytes, NUMBER, 0, 1099511627776, "67108864", "bytes", \
      "answers kept in memory; 0 = no cache") \
    X(cache_ttl_s, NUMBER, 1, 604800, "300", "s", \
      "how long an answer is kept") \
    X(batch_threads, NUMBER, 1, 256, "1", "threads", \
      "threads that score one batch") \
    X(blas_threads, NUMBER, 1, 256, "1", "threads", \
      "threads of each BLAS call; more than 1 fights with the workers") \
    X(poll_registry_s, NUMBER, 0, 86400, "0", "s", \
      "look this often whether the model's URI means another version; 0 = never") \
    X(drain_timeout_ms, NUMBER, 0, 600000, "10000", "ms", \
      "how long requests may finish after SIGTERM") \
    X(access_log, TEXT, 0, 4095, "stderr", "", \
      "off, stderr or a file; one JSON object a line") \
    X(log_level, CHOICE, 1, 4, "info", "error|warn|info|debug", \
      "what the daemon's own log contains")
/* clang-format on */

#endif
