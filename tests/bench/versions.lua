-- Load for wrk that checks every answer: bench_registry.py makes versions whose items say which
-- version they are of, so an answer with items of two versions, or of another one than it names, is
-- seen at once.
--
--   wrk ... -s versions.lua http://127.0.0.1:PORT -- USERS PAUSE_MS SEED
--
-- Prints one line, "RESULT " and JSON.
local threads = {}
local users, pause = 1, 0

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   users, pause = tonumber(args[1]), tonumber(args[2])
   math.randomseed(tonumber(args[3] or "1"))
   mixed, bad, good = 0, 0, 0
   if pause > 0 then
      delay = function() return math.floor(-pause * math.log(1 - math.random()) + 0.5) end
   end
end

function request()
   return wrk.format("POST", "/api/v1/predict", { ["Content-Type"] = "application/json" },
                     '{"user_id":' .. math.random(users) .. ',"top_k":10}')
end

function response(status, headers, body)
   local version, n = tonumber(body:match('"model_version":"(%d+)"') or "0"), 0
   if status ~= 200 then
      bad = bad + 1
      return
   end
   for item in body:gmatch('"movie_id":(%d+)') do
      n = n + 1
      if math.floor(tonumber(item) / 1000000) ~= version then
         mixed = mixed + 1
         return
      end
   end
   if n == 10 then good = good + 1 else mixed = mixed + 1 end
end

function done(summary, latency, requests)
   local e, sums = summary.errors, { mixed = 0, bad = 0, good = 0 }
   for _, thread in ipairs(threads) do
      for name in pairs(sums) do sums[name] = sums[name] + thread:get(name) end
   end
   io.write(string.format('RESULT {"requests": %d, "seconds": %.3f, "failed": %d, "mixed": %d, ' ..
      '"p50_us": %d, "p99_us": %d}\n', summary.requests, summary.duration / 1e6,
      e.connect + e.read + e.write + e.timeout + sums.bad, sums.mixed,
      latency:percentile(50), latency:percentile(99)))
end
