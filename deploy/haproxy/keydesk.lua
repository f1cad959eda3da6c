-- `http-request lua.keydesk`: asks Keydesk about the request. Passed, it sets the identity and lets it go on; refused, it
-- answers what Keydesk answered; without an answer in time, 503.

local door = assert(os.getenv("KEYDESK_DOOR"), "KEYDESK_DOOR is the URL of Keydesk's door")
local socket = assert(os.getenv("KEYDESK_SOCKET"), "KEYDESK_SOCKET is where the section that leads to Keydesk listens")
-- Milliseconds; that section is to give up earlier.
local patience = 4000

local identity = {
  "x-keydesk-key-id", "x-keydesk-account-id", "x-keydesk-type", "x-keydesk-environment", "x-keydesk-scopes",
  "x-keydesk-inbox", "x-request-id",
}
-- What a refusal keeps of Keydesk's answer, beside status and body.
local told = {
  "content-type", "cache-control", "www-authenticate", "retry-after", "x-request-id", "x-ratelimit-limit",
  "x-ratelimit-remaining", "x-ratelimit-reset",
}
local unavailable = '{"error":{"type":"api_error","code":"unavailable",'
  .. '"message":"Busy right now. Try again in a few seconds.","status":503}}'

-- Every value of a header, in order. HAProxy counts them from 0.
local function all(headers, name)
  local values = {}
  local found = headers[name]
  local place = 0
  while found and found[place] do
    values[#values + 1] = found[place]
    place = place + 1
  end
  return values
end

local function ask(txn)
  local sent = txn.http:req_get_headers()
  -- Nothing but what the verdict takes. Both Authorization headers if there are two, for Keydesk to refuse.
  local headers = {
    ["x-original-method"] = { txn.sf:method() },
    ["x-original-uri"] = { txn.sf:pathq() },
    ["x-forwarded-for"] = { txn.sf:src() },
    ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
  }
  for _, name in ipairs({ "authorization", "user-agent" }) do
    local values = all(sent, name)
    if #values > 0 then
      headers[name] = values
    end
  end
  return core.httpclient():get({ url = door, dst = socket, headers = headers, timeout = patience })
end

local function refuse(txn, status, headers, body)
  txn:done(txn:reply({ status = status, headers = headers, body = body }))
end

core.register_action("keydesk", { "http-req" }, function(txn)
  local asked, answer = pcall(ask, txn)
  local status = asked and answer and answer.status or 0
  local said = status > 0 and answer.headers or {}
  -- HAProxy answers for a server that it cannot reach; every answer of Keydesk has an id.
  if not all(said, "x-request-id")[1] then
    return refuse(txn, 503, { ["content-type"] = { "application/json" }, ["retry-after"] = { "5" } }, unavailable)
  end
  if status == 200 then
    for _, name in ipairs(identity) do
      txn.http:req_set_header(name, all(said, name)[1] or "")
    end
    txn:set_var("txn.keydesk_request_id", all(said, "x-request-id")[1])
    for _, name in ipairs({ "limit", "remaining", "reset" }) do
      local value = all(said, "x-ratelimit-" .. name)[1]
      if value then
        txn:set_var("txn.keydesk_" .. name, value)
      end
    end
    txn:set_var("txn.keydesk_verdict", "passed")
    return
  end
  local headers = {}
  for _, name in ipairs(told) do
    local values = all(said, name)
    if #values > 0 then
      headers[name] = values
    end
  end
  refuse(txn, status < 400 and 503 or status, headers, answer.body or "")
end, 0)
