-- What wrk sends to the gate: the requests of a file, each made before the clock starts.
--
--   wrk … -- PATH FILE KIND STATUS MODE
--
-- A line of FILE is a secret and the id of an inbox. KIND says how a request asks, STATUS what its answer must be.
-- MODE `cycle` sends them over and over; `once` sends each once and looks at each answer, which is slower.

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

local forms = {
  scope = function(path)
    return path .. "?scope=mail:send", {}
  end,
  inbox = function(path, inbox)
    return path .. "?scope=mail:send&inbox=" .. inbox, {}
  end,
  forward = function(path, inbox)
    return path, { ["X-Original-Method"] = "GET", ["X-Original-URI"] = "/v1/inboxes/" .. inbox .. "/messages/msg_1" }
  end,
}

local requests, at, wrong = {}, 0, 0
-- Read by `done` through the thread, so they are global.
expected, cpu_before = 0, 0

function init(arguments)
  local path, file, kind, status, mode = unpack(arguments)
  expected = tonumber(status)
  for line in io.lines(file) do
    local secret, inbox = line:match("^(%S+) (%S+)$")
    local target, headers = forms[kind](path, inbox)
    headers.Authorization = "Bearer " .. secret
    requests[#requests + 1] = wrk.format("GET", target, headers)
  end
  if mode == "once" then
    -- A few more than there are, so that none is cut off on its way.
    local left = #requests + 100
    function response(answered)
      -- The first few hundred of a flood are told that nobody has them, the others to wait.
      if answered ~= expected and not (expected == 429 and answered == 401) then
        wrong = wrong + 1
      end
      left = left - 1
      if left == 0 then
        -- A thread can be stopped, but wrk itself would sleep on.
        print(string.format('{"wrong":%d,"all":true}', wrong))
        os.exit(0)
      end
    end
  end
  collectgarbage()
  cpu_before = os.clock()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local thread, errors = threads[1], summary.errors
  local status = thread:get("expected")
  local unexpected = status < 400 and errors.status or summary.requests - errors.status
  io.write(string.format(
    '{"requests":%d,"us":%d,"p50":%d,"p99":%d,"max":%d,"wrong":%d,"broken":%d,"load_busy":%.3f}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    unexpected, errors.connect + errors.read + errors.write + errors.timeout,
    (os.clock() - thread:get("cpu_before")) * 1e6 / summary.duration))
end
