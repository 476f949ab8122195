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
      "Model to serve: the directory of a bundle, an .npz or .safetensors file, as a path or a " \
      "file: URI, or a models:/ URI, which needs registry. It is the default model. Needed, " \
      "unless models is set.") \
    X(model_name, TEXT, 1, 64, "main", "", \
      "The name of this model beside those of models: letters, digits, and _ . -") \
    X(models, TEXT, 0, 16383, "", "", \
      "Further models that are served at the same time, as NAME=SOURCE, separated by commas: " \
      "bpr=models:/bpr@live, old=/srv/old. A request chooses one by its name. Without model, the " \
      "first of them is the default model.") \
    X(model_shares, TEXT, 0, 4095, "", "", \
      "Percent of the users that get another model than the default one, as NAME=PERCENT, " \
      "separated by commas: bpr=10, old=0.5. Always the same users. Routes can change it.") \
    X(model_shadows, TEXT, 0, 4095, "", "", \
      "Percent of the requests that another model is asked, too, as NAME=PERCENT, separated by " \
      "commas. No client gets its answers: they are compared. Routes can change it.") \
    X(model_salt, TEXT, 0, 255, "", "", \
      "Which users are in these shares. With another salt others are. Give all replicas the " \
      "same one.") \
    X(metric, CHOICE, 0, 2, "auto", "auto|inner_product|cosine", \
      "How a single .npz or .safetensors file is scored. auto = by inner product, or as the " \
      "bundle says; with another value a bundle is refused.") \
    X(link, TEXT, 0, 80, "", "", \
      "The link of a single file: sigmoid, clip, or linear:MIN:MAX as in " \
      "linear:0.5:5. Empty = sigmoid, or as the bundle says; otherwise a bundle is refused.") \
    X(registry, TEXT, 0, 4095, "", "", \
      "Where models:/ URIs are looked up: a directory of published models, or the address of an " \
      "MLflow server, http://host:port or https://host/prefix.") \
    X(registry_user, TEXT, 0, 255, "", "", \
      "User for an MLflow server with passwords.") \
    X(registry_password_file, TEXT, 0, 4095, "", "", \
      "File whose first line is this user's password. Read for every request, so that it can be " \
      "replaced.") \
    X(registry_token_file, TEXT, 0, 4095, "", "", \
      "File whose first line is a bearer token for the MLflow server, instead of user and " \
      "password. Read for every request.") \
    X(registry_ca_file, TEXT, 0, 4095, "", "", \
      "PEM file with the certificates that an https:// registry is checked with. Empty = the " \
      "system's.") \
    X(registry_workspace, TEXT, 0, 255, "", "", \
      "Workspace of an MLflow server that has workspaces. Empty = its default one.") \
    X(registry_host, TEXT, 0, 255, "", "", \
      "Host header for an MLflow server that is reached by another name than it accepts. Empty = " \
      "the name in registry.") \
    X(registry_timeout_ms, NUMBER, 100, 600000, "10000", "ms", \
      "How long the MLflow server may take to answer a question. Too small = polls fail while it " \
      "is busy; the model that serves is not affected.") \
    X(registry_stall_timeout_s, NUMBER, 1, 3600, "30", "s", \
      "A download of a model that is slower than 1 KiB/s for so long is cut off and tried again.") \
    X(registry_download_timeout_s, NUMBER, 1, 86400, "3600", "s", \
      "How long the download of a model may take.") \
    X(registry_cache, TEXT, 0, 4000, "/var/cache/recsysd", "", \
      "Directory that models of an MLflow server are kept in, also for starts while the server is " \
      "away. Processes may share it.") \
    X(registry_cache_bytes, NUMBER, 1048576, 1125899906842624, "17179869184", "bytes", \
      "Most bytes of models in registry_cache. It needs room for the model that serves, the one " \
      "before and the next one; those that were not used for the longest time are removed.") \
    X(listen, TEXT, 1, 1023, "127.0.0.1:8000", "", \
      "Addresses and ports to listen on, separated by commas: 127.0.0.1:8000, [::1]:8000 or " \
      "unix:/run/recsysd.sock. Port 0 takes a free one; see port_file. An address beyond " \
      "loopback needs API keys, JWTs or allow_unauthenticated.") \
    X(health_listen, TEXT, 0, 1023, "", "", \
      "Addresses for /health, /metrics, /console and the routes that need the admin token, with " \
      "workers of their own, so that probes are answered however busy the others are. All but " \
      "/health are then at these addresses only, and /openapi.json and /docs at each address " \
      "have the routes that it serves. Empty = all are at listen.") \
    X(socket_mode, TEXT, 1, 4, "0660", "", \
      "Permissions of Unix sockets, in octal: who may write to one may connect.") \
    X(port_file, TEXT, 0, 4095, "", "", \
      "File that recsysd writes the port into once it listens, and that of health_listen into " \
      "a second line. For scripts that start it with port 0.") \
    X(wait_for_model, SWITCH, 0, 1, "off", "", \
      "on: start also if the model cannot be loaded, answer 503 until it can, and try every " \
      "two seconds. off: exit with status 1.") \
    X(env, CHOICE, 0, 1, "development", "development|production", \
      "production hides /openapi.json and /docs, and shows /console at health_listen alone.") \
    X(allow_unauthenticated, SWITCH, 0, 1, "off", "", \
      "Listen beyond loopback although neither API keys nor JWTs are configured. Only if a " \
      "proxy or firewall decides who may call.") \
    X(api_keys_file, TEXT, 0, 4095, "", "", \
      "File with one API key a line, 8 to 255 characters each. Every route below /api and /v2, " \
      "but for /v2/health, then needs one of these keys, or a JWT.") \
    X(admin_token, SECRET, 0, 255, "", "", \
      "Token, of at least 8 characters, that the routes of operators need: those that change " \
      "models, show or change the trace, or export feedback, and those of the console at " \
      "health_listen. Without one they are off. It is also an API key, where these are needed. " \
      "Other users of the machine can see a command line: use admin_token_file or the " \
      "environment.") \
    X(admin_token_file, TEXT, 0, 4095, "", "", \
      "File whose first line is the admin token. Not read if admin_token is set.") \
    X(jwt_secret_file, TEXT, 0, 4095, "", "", \
      "File with the secret of HS256 tokens, 32 to 4096 bytes. Every route below /api and /v2, " \
      "but for /v2/health, then needs a JWT or an API key.") \
    X(jwt_public_key_file, TEXT, 0, 4095, "", "", \
      "PEM file with the public key of RS256 tokens, instead of a secret.") \
    X(jwt_old_secret_file, TEXT, 0, 4095, "", "", \
      "The file that has the secret before, while it is rotated: tokens may still be signed with " \
      "it. No file and an empty one = no such secret, so that the setting can stay.") \
    X(jwt_old_public_key_file, TEXT, 0, 4095, "", "", \
      "The same for jwt_public_key_file.") \
    X(jwt_issuer, TEXT, 0, 255, "", "", \
      "Only tokens with this iss are accepted. Empty = iss is not checked.") \
    X(jwt_audience, TEXT, 0, 255, "", "", \
      "Only tokens whose aud is or contains this are accepted. Empty = tokens with an aud are " \
      "refused.") \
    X(jwt_leeway_s, NUMBER, 0, RD_MAX_LEEWAY_S, "30", "s", \
      "How far the clocks of this machine and of the tokens' issuer may differ. 0 = a token " \
      "ends to the second; more accepts expired tokens for so long.") \
    X(jwt_unconfirmed_s, NUMBER, 0, 86400, "300", "s", \
      "While the database does not answer: how long GET requests are still answered if " \
      "neither the denylist in this process nor Redis has their token. Raise it for " \
      "availability, lower it for security; 0 = answer 503 at once.") \
    X(cors_origins, TEXT, 0, 4095, "", "", \
      "Origins whose pages may call from a browser, separated by commas. Empty = only " \
      "recsysd's own, and POST and PUT of others are refused; * = all.") \
    X(allowed_hosts, TEXT, 0, 4095, "", "", \
      "Names in Host that are served without keys or JWTs besides localhost and addresses, " \
      "separated by commas; * = all. Against pages whose name is made to point to this machine. " \
      "With keys, JWTs or allow_unauthenticated every name is served.") \
    X(grants, CHOICE, 0, 1, "services", "services|users", \
      "The callers that may grant points (exp) and write answers of the assistant: services = " \
      "callers with an API key or an admin's token; users = also users, to themselves.") \
    X(trusted_proxies, TEXT, 0, 4095, "", "", \
      "Addresses and networks of proxies, as 10.0.0.0/8, separated by commas, whose " \
      "proxy_header says the client's address, for limits and the access log. Empty = every " \
      "sender is a client.") \
    X(proxy_header, CHOICE, 0, 1, "x-forwarded-for", "x-forwarded-for|forwarded", \
      "The header that all trusted_proxies add the sender to. The other one is not looked at, " \
      "because a client could send it.") \
    X(threads, NUMBER, 1, 1024, "64", "threads", \
      "Workers: as many requests are answered at once. A connection occupies one only while " \
      "its request is computed, not while it waits for its client. Raise it if requests wait " \
      "for databases and recsysd_http_connections_waiting grows.") \
    X(max_connections, NUMBER, 1, 65536, "1024", "connections", \
      "Connections that recsysd keeps open. When more come, it closes the one that has been " \
      "without a request for longest, and replies close theirs; if none is without a request, " \
      "new ones wait.") \
    X(keep_alive_requests, NUMBER, 0, 1000000000, "10000", "requests", \
      "How many requests one connection may bring; the reply to the last says Connection: " \
      "close. Lower it so that load balancers spread connections sooner. 0 = any number.") \
    X(connection_age_s, NUMBER, 0, 31536000, "3600", "s", \
      "How old a connection may be that is kept open for further requests. 0 = any age.") \
    X(request_timeout_ms, NUMBER, 100, 600000, "10000", "ms", \
      "How long a request may take to arrive, how long it waits for a thread that computes the " \
      "same answer or for a batch, and how long its reply may take to leave, which has 1 s more " \
      "for each 256 KiB. Too small = slow clients get 408 or half a reply; too large = they keep " \
      "connections and memory.") \
    X(keep_alive_timeout_ms, NUMBER, 1, 600000, "5000", "ms", \
      "How long a connection stays open after a reply if no further request comes. Set it " \
      "above the idle time of a proxy in front, so that only the proxy closes connections.") \
    X(max_header_bytes, NUMBER, 1024, 1048576, "16384", "bytes", \
      "Largest request line and headers together; 431 beyond. Raise it if clients send long " \
      "tokens or cookies.") \
    X(max_body_bytes, NUMBER, 1024, 268435456, "1048576", "bytes", \
      "Largest body of a request; 413 beyond. A batch of 1000 integer ids needs some 10 KB. " \
      "Raise it for larger batches; each connection may hold one such body in memory.") \
    X(gzip_min_bytes, NUMBER, 0, 1073741824, "1000", "bytes", \
      "Smallest body that is compressed for clients that accept gzip. Raise it if the network " \
      "is faster than the processor. 0 = never.") \
    X(cache_bytes, NUMBER, 0, 1099511627776, "67108864", "bytes", \
      "Memory for the cache of answers in this process; Redis has its own limit. Raise it " \
      "while recsysd_cache_evictions_total grows. 0 = answers are not cached at all, not even " \
      "in Redis.") \
    X(cache_ttl_s, NUMBER, 1, 604800, "300", "s", \
      "How long an answer stays in the cache. A changed model never gets old answers, so this " \
      "only limits the memory that unused answers take.") \
    X(redis, SECRET, 0, 4095, "", "", \
      "Server for caches, limits, revoked tokens and results of tasks: " \
      "redis://[user:password@]host:port, rediss:// or unix://path. Empty = each process has " \
      "its own caches and limits, and without database its own revoked tokens; there are no " \
      "results of tasks.") \
    X(redis_password_file, TEXT, 0, 4095, "", "", \
      "File whose first line is the password for servers whose URL has none.") \
    X(redis_dbs, SECRET, 0, 4095, "", "", \
      "Logical dbs that are on other servers, separated by commas: 0=redis://10.0.0.2:6379/0, " \
      "or with a key prefix 3=redis://10.0.0.3:6379/1#game:") \
    X(redis_prefix, TEXT, 0, 63, "", "", \
      "Text in front of every key in Redis. For servers that other services use, too.") \
    X(redis_single_db, SWITCH, 0, 1, "off", "", \
      "For servers and proxies that only have database 0: keys of logical db 3 begin with d3: " \
      "instead of being in database 3. On a Redis Cluster also give redis_prefix a hash tag, as " \
      "{app}: one node then has all keys.") \
    X(cache_format, CHOICE, 0, 1, "plain", "plain|envelope", \
      "How the caches of the domains keep JSON in Redis: plain, under the keys of the design, for " \
      "services that read and write there too; or in an envelope that only this library reads.") \
    X(trusted_dbs, TEXT, 0, 255, "", "", \
      "Logical dbs, separated by commas, in which plain values that other services have stored " \
      "are returned until they expire. Empty = they are replaced. A value that another service " \
      "stores too late is then returned, too.") \
    X(redis_pool, NUMBER, 1, 1024, "16", "connections", \
      "Most connections to each logical db, and calls that wait for its answers. A call beyond " \
      "waits up to 10 ms, and then goes on without Redis. Raise it while " \
      "recsysd_redis_pool_waits_total grows; more than threads + 7 has no effect.") \
    X(redis_share_from, NUMBER, 0, 1024, "0", "calls", \
      "Calls at a time from which the commands of several workers go out in one write. 4 saves a " \
      "third of the processor time of a hit with 8 workers, and a connection that hangs delays " \
      "several of them. 0 = never.") \
    X(redis_timeout_ms, NUMBER, 1, 10000, "50", "ms", \
      "How long a command may take. After several time-outs in a row the circuit breaker " \
      "opens, and requests do without Redis. Too small = it opens for short delays; too large " \
      "= requests wait for a server that is down.") \
    X(redis_ca_file, TEXT, 0, 4095, "", "", \
      "PEM file with the certificates that rediss:// servers are checked with. Empty = the " \
      "system's.") \
    X(database, SECRET, 0, 4095, "", "", \
      "PostgreSQL, in the form that libpq takes: postgresql://user@host/name or host=... " \
      "dbname=... Empty = the routes of the domains answer 503.") \
    X(database_pool, NUMBER, 1, 1024, "8", "connections", \
      "Most connections to PostgreSQL for requests; one more checks the server and, with " \
      "redis, another one reads the outbox. Raise it while recsysd_postgres_pool_waits_total " \
      "grows, and keep the sum of all processes below max_connections of the server.") \
    X(database_timeout_ms, NUMBER, 10, 600000, "2000", "ms", \
      "How long a statement may take, including the wait for a connection; 503 beyond. A " \
      "database that answers nobody for so long, and for 2000 at least, is away, and not asked " \
      "until it answers again. Too large = a slow database makes all workers wait.") \
    X(write_wait_ms, NUMBER, 0, 600000, "3000", "ms", \
      "How long the reply to a change of a profile, experience or a chat, and to feedback, " \
      "waits for the removal of the old value from Redis, while Redis does not answer. Beyond, " \
      "the reply has \"delivered\": false, and other processes may read the old value until " \
      "Redis is back; but with 3000 or more and the outbox that recsysctl migrate makes, they " \
      "have learnt of the change by then. 0 = reply at once.") \
    X(revocation_timeout_ms, NUMBER, 10, 600000, "500", "ms", \
      "How long a request waits for the database to say whether its token is revoked, where " \
      "Redis does not know; 503 beyond. At most database_timeout_ms.") \
    X(feedback_window_days, NUMBER, 0, 3650, "30", "days", \
      "For how long an item that a user has met, as POST /api/v1/feedback says, is left out of " \
      "the user's answers. Longer than the time between two trainings, whose seen lists go on " \
      "from there. 0 = feedback changes no answer.") \
    X(feedback_memory_bytes, NUMBER, 65536, 68719476736, "33554432", "bytes", \
      "Memory for feedback where no database is configured; the oldest goes first. With a " \
      "database feedback is kept there.") \
    X(warm, SWITCH, 0, 1, "on", "", \
      "Load guides and popular places into the caches after the start. off = the first " \
      "requests load them.") \
    X(rate_limit, NUMBER, 0, 60000000, "0", "requests", \
      "Requests a minute that each client may send to the routes below /api and /v2; 429 " \
      "beyond. 0 = no limit.") \
    X(rate_burst, NUMBER, 0, 60000000, "0", "requests", \
      "How many of these requests may come at once. Smaller = the requests must be spread " \
      "over the minute. 0 = all of rate_limit.") \
    X(rate_limit_auth, NUMBER, 0, 60000000, "0", "requests", \
      "Requests a minute that each client may send to /api/v1/auth routes, and failed logins a " \
      "minute of each address; 429 beyond. Against the guessing of keys. 0 = no limit of failed " \
      "logins, and rate_limit is that of the routes.") \
    X(batching, CHOICE, 0, 2, "auto", "off|on|auto", \
      "Score predict requests that wait at the same time in one scan. No request waits for " \
      "others to come, and answers are the same. auto = for models whose scan takes longer " \
      "than waking up a thread; off = each worker scores its own requests.") \
    X(batching_queue, NUMBER, 1, 65536, "1024", "requests", \
      "How many requests may wait for a scan; 503 beyond, and for those that have waited for " \
      "request_timeout_ms. Lower it to refuse early rather than answer late; more than " \
      "threads has no effect.") \
    X(batch_threads, NUMBER, 0, 256, "0", "threads", \
      "Threads of one scan, of a batch-predict or with batching. Batches of batch-predict run " \
      "one after another; with batching as many scans run at once as there are cores for " \
      "their threads. 0 = one for each core, up to 8. Lower it where other programs need the " \
      "cores: a scan waits for its slowest thread.") \
    X(blas_threads, NUMBER, 1, 256, "1", "threads", \
      "Threads of each BLAS call. More than 1 only where few requests come at once: the " \
      "threads of all workers share the same processor cores.") \
    X(poll_registry_s, NUMBER, 0, 86400, "0", "s", \
      "How often to check whether the model's URI means something that has not been loaded or " \
      "refused yet, and load it. 0 = only on SIGHUP or by the routes for models.") \
    X(canary_queries, NUMBER, 1, 1000000, "32", "users", \
      "How many users a new model must answer before it may serve; they are spread over all " \
      "users that the active model has, too. Raise it for a more exact agreement in the log; " \
      "each query takes as long as a request.") \
    X(canary_min_items, NUMBER, 0, 1000, "50", "percent", \
      "Fewest items of a new model, as a share of the active model's; with fewer it is " \
      "rejected. Raise it if the catalogue hardly ever shrinks. 0 = any number.") \
    X(canary_allow_id_kind, SWITCH, 0, 1, "off", "", \
      "Accept a new model whose ids are texts where the active model's are integers, or the " \
      "other way round. off = it is rejected, because clients would not know its ids.") \
    X(canary_allow_no_catalog, SWITCH, 0, 1, "off", "", \
      "Accept a new model without a catalogue if the active model has one. off = it is " \
      "rejected: titles, genres and filters would be gone.") \
    X(canary_allow_no_seen, SWITCH, 0, 1, "off", "", \
      "Accept a new model without seen lists if the active model has them. off = it is " \
      "rejected: users would get items that they have seen.") \
    X(canary_min_overlap, NUMBER, 0, 100, "0", "percent", \
      "Smallest share of the items that the active model recommends to the canary's users and a " \
      "new one must recommend, too; with less it is rejected. Raise it where a good new model " \
      "differs little. 0 = any.") \
    X(canary_max_score_shift, NUMBER, 0, 100, "0", "hundredths", \
      "Largest difference, in hundredths, between the scores (0 to 1) of both models' answers " \
      "to the canary's users: of their 10 %, 50 % and 90 % quantiles, the one that moved most. " \
      "For clients that compare scores with a threshold. 0 = any.") \
    X(canary_max_empty, NUMBER, 0, 100, "0", "percent", \
      "Largest share of empty answers of a new model to the canary's users. 0 = all but one.") \
    X(warm_requests, NUMBER, 0, 65536, "256", "requests", \
      "How many of the last requests are kept, in memory of 300 bytes each, and answered by a " \
      "new model before it serves, so that the first clients find it warm. 0 = none.") \
    X(watch_s, NUMBER, 0, 86400, "300", "s", \
      "How long a new model is watched: if a larger share of its answers fails, or is empty, " \
      "than of the model's before, the old one serves again at once. 0 = never.") \
    X(watch_min_answers, NUMBER, 1, 1000000000, "100", "answers", \
      "Answers of the new model before the watch decides. Cached answers do not count. Lower " \
      "it where few requests come; chance then decides more often.") \
    X(watch_max_failed, NUMBER, 1, 100, "20", "percent", \
      "By how many points the share of failed answers may be higher than the model's before. " \
      "100 = any.") \
    X(watch_max_empty, NUMBER, 1, 100, "20", "percent", \
      "The same of answers without an item. 100 = any.") \
    X(model_memory_mb, NUMBER, 0, 1073741824, "0", "MB", \
      "Memory that the versions of a model may take: the active, the previous, the candidate " \
      "and the one that is to be loaded, mapped files included. A version that would " \
      "exceed it is not loaded. Three times the largest version is enough. 0 = no limit.") \
    X(model_history_dir, TEXT, 0, 4000, "", "", \
      "Directory with a file for each model, NAME.jsonl, that keeps what served when and why " \
      "steps failed, 200 events, over restarts. Each recsysd needs its own. Empty = in memory " \
      "only.") \
    X(poll_jitter, NUMBER, 0, 100, "10", "percent", \
      "By how much the time between two checks of poll_registry_s varies, so that replicas do " \
      "not ask the registry at the same moment.") \
    X(poll_max_wait_s, NUMBER, 0, 86400, "0", "s", \
      "Longest time between two checks while the registry cannot be asked: each failure doubles " \
      "it up to this. 0 = ten times poll_registry_s.") \
    X(mlflow_webhook_secret_file, TEXT, 0, 4095, "", "", \
      "File with the secret, 16 to 4096 bytes, that the MLflow server signs deliveries to " \
      "/api/v1/models/webhook with. A delivery only has the registry checked at once. Empty = " \
      "the route is off.") \
    X(drain_delay_ms, NUMBER, 0, 600000, "0", "ms", \
      "How long recsysd goes on serving after SIGTERM while /health/ready says 503, so that " \
      "load balancers send requests elsewhere. Set it to the time that yours needs to notice; " \
      "a second signal ends it. 0 = no load balancer.") \
    X(drain_timeout_ms, NUMBER, 0, 600000, "10000", "ms", \
      "How long requests under way may still take after SIGTERM. Keep it below the time after " \
      "which the service manager kills the process. 0 = end them at once.") \
    X(access_log, TEXT, 0, 4095, "stderr", "", \
      "Where to write one JSON object a line for each request: off, stderr or the path of a " \
      "file.") \
    X(log_level, CHOICE, 1, 4, "info", "error|warn|info|debug", \
      "Least urgent lines of the daemon's own log on stderr. error = only what needs an " \
      "operator, debug = also what the library reports about single steps.") \
    X(trace, TEXT, 0, 127, "", "", \
      "Components whose single steps are logged, with the id of the request: aside, store, " \
      "redis, postgres, denylist, deployment, scan, separated by commas, or all. To find the " \
      "cause of a problem; each request is then several lines. Empty = none. PUT " \
      "/api/v1/admin/trace changes it while recsysd runs.")
/* clang-format on */

#endif
