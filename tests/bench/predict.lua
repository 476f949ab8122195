-- Load for wrk: POST /api/v1/predict for users drawn at random from a list.
--
--   wrk ... -s predict.lua http://127.0.0.1:PORT -- USERS_FILE SEED
--
-- Requests are made before the run. Prints one line, "RESULT " and JSON.
local made = {}

function init(args)
   math.randomseed(tonumber(args[2] or "1"))
   local headers = { ["Host"] = wrk.headers["Host"], ["Content-Type"] = "application/json" }
   for user in io.lines(args[1]) do
      made[#made + 1] = wrk.format("POST", "/api/v1/predict", headers,
                                   '{"user_id":' .. user .. ',"top_k":10}')
   end
end

function request()
   return made[math.random(#made)]
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "seconds": %.3f, "failed": %d, "p50_us": %d, "p99_us": %d}\n',
      summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50), latency:percentile(99)))
end
