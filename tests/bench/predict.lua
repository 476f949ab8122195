-- Load for wrk: POST /api/v1/predict for users drawn at random from a list.
--
--   wrk ... -s predict.lua http://127.0.0.1:PORT -- USERS_FILE SEED [PAUSE_MS]
--
-- Requests are made before the run. With PAUSE_MS each connection pauses before a request, for times
-- that are exponentially distributed with this mean. Prints one line, "RESULT " and JSON.
local made = {}
local pause = 0

function init(args)
   math.randomseed(tonumber(args[2] or "1"))
   pause = tonumber(args[3] or "0")
   if pause > 0 then
      delay = function() return math.floor(-pause * math.log(1 - math.random()) + 0.5) end
   end
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
