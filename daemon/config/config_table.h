/* daemon/config/config_table.h - every setting of recsysd, once.
 *
 * This table makes the configuration file's parser, the environment variables,
 * the flags, --help, --print-config and the table in docs/daemon.md. A new
 * setting is a new line here and nothing else.
 *
 * X(name, TYPE, min, max, default, unit, help)
 *   TEXT    a string; min and max bound its length in bytes
 *   SECRET  a TEXT that --print-config does not show
 *   NUMBER  a decimal integer between min and max
 *   SWITCH  on or off; a flag without a value means on
 *   CHOICE  one of the words in the unit column
 */
#ifndef RECSYSD_CONFIG_TABLE_H
#define RECSYSD_CONFIG_TABLE_H

#define RD_MAX_LEEWAY_S 600 /* seconds, of jwt_leeway_s */

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
      "listen beyond loopback although neither API keys nor JWTs are asked for") \
    X(api_keys_file, TEXT, 0, 4095, "", "", \
      "one key a line; every /api route then needs one of them, or a JWT") \
    X(admin_token, SECRET, 0, 255, "", "", \
      "token for the routes that change models; better given by file or environment") \
    X(admin_token_file, TEXT, 0, 4095, "", "", \
      "file whose first line is the admin token") \
    X(jwt_secret_file, TEXT, 0, 4095, "", "", \
      "file with the secret of HS256 tokens, at least 32 bytes; every /api route then needs a JWT or an API key") \
    X(jwt_public_key_file, TEXT, 0, 4095, "", "", \
      "PEM file with the public key of RS256 tokens, instead of a secret") \
    X(jwt_issuer, TEXT, 0, 255, "", "", \
      "what a token's iss must be; empty = anything") \
    X(jwt_audience, TEXT, 0, 255, "", "", \
      "what a token's aud must be or contain; empty = tokens with an aud are refused") \
    X(jwt_leeway_s, NUMBER, 0, RD_MAX_LEEWAY_S, "30", "s", \
      "how far clocks may be apart when exp, nbf and iat are checked") \
    X(jwt_unconfirmed_s, NUMBER, 0, 86400, "300", "s", \
      "while the database is away: how long GET requests pass whose token neither our list nor Redis knows as revoked; 0 = never") \
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
      "answers kept in memory, without redis; 0 = no answer is kept, in redis neither") \
    X(cache_ttl_s, NUMBER, 1, 604800, "300", "s", \
      "how long an answer is kept") \
    X(redis, SECRET, 0, 4095, "", "", \
      "where caches, limits and revoked tokens are: redis://[user:password@]host:port, rediss:// or unix://path; empty = in this process") \
    X(redis_password_file, TEXT, 0, 4095, "", "", \
      "file whose first line is the password for servers whose URL has none") \
    X(redis_dbs, SECRET, 0, 4095, "", "", \
      "logical databases that are elsewhere, separated by commas: 0=redis://10.0.0.2:6379/0, or with a key prefix 3=redis://10.0.0.3:6379/1#game:") \
    X(redis_prefix, TEXT, 0, 63, "", "", \
      "in front of every key in redis") \
    X(redis_single_db, SWITCH, 0, 1, "off", "", \
      "redis is a server or proxy with database 0 alone: keys of logical database 3 begin with d3: instead") \
    X(redis_pool, NUMBER, 1, 1024, "16", "connections", \
      "at most to each logical database") \
    X(redis_timeout_ms, NUMBER, 1, 10000, "50", "ms", \
      "for a command; a server that misses it several times in a row is not asked for a while (its " \
      "breaker is open)") \
    X(redis_ca_file, TEXT, 0, 4095, "", "", \
      "certificates that a rediss:// server may have; empty = the system's") \
    X(database, SECRET, 0, 4095, "", "", \
      "PostgreSQL, as libpq takes it: postgresql://user@host/name or host=... dbname=...; empty = no domain routes") \
    X(database_pool, NUMBER, 1, 1024, "8", "connections", \
      "at most to PostgreSQL") \
    X(database_timeout_ms, NUMBER, 10, 600000, "2000", "ms", \
      "for a statement, waiting for a connection included") \
    X(revocation_timeout_ms, NUMBER, 10, 600000, "500", "ms", \
      "for the database's word whether a token is revoked, where redis does not have it; 503 beyond, and " \
      "never more than database_timeout_ms") \
    X(warm, SWITCH, 0, 1, "on", "", \
      "fill the caches of guides and popular places after the start") \
    X(rate_limit, NUMBER, 0, 60000000, "0", "requests", \
      "a minute and client on /api routes; 429 beyond; 0 = any number") \
    X(rate_burst, NUMBER, 0, 60000000, "0", "requests", \
      "of these at once; 0 = rate_limit") \
    X(rate_limit_auth, NUMBER, 0, 60000000, "0", "requests", \
      "a minute and client on /auth routes, and failed logins a minute and address; 0 = any number") \
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
