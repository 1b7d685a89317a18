-- tools/call with ids that do not repeat; counts answers that are not what was asked for. Prints a run's figures as one
-- line of JSON, as wrk.lua does. Arguments: era (modern or legacy), session id or "-".
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  era, session = args[1], args[2]
  number, wrong, first = 0, 0, ""
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/json, text/event-stream"
  meta = ""
  if era == "modern" then
    wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
    wrk.headers["Mcp-Method"] = "tools/call"
    wrk.headers["Mcp-Name"] = "echo"
    meta = ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' ..
      '"io.modelcontextprotocol/clientInfo":{"name":"wrk","version":"1"},' ..
      '"io.modelcontextprotocol/clientCapabilities":{}}'
  else
    wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
    if session ~= "-" then wrk.headers["Mcp-Session-Id"] = session end
  end
end

function request()
  number = number + 1
  return wrk.format(nil, nil, nil, '{"jsonrpc":"2.0","id":' .. number .. ',"method":"tools/call","params":' ..
    '{"name":"echo","arguments":{"text":"a text that is said again"}' .. meta .. '}}')
end

function response(status, headers, body)
  if status ~= 200 or not body:find("a text that is said again", 1, true) or body:find('"isError":true', 1, true) then
    wrong = wrong + 1
    if first == "" then first = status .. " " .. body:sub(1, 300) end
  end
end

done = function(summary, latency, requests)
  local wrong, first, errors = 0, "", summary.errors
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    if first == "" then first = thread:get("first") end
  end
  if first ~= "" then io.write("\nFIRST " .. first:gsub("[\r\n]", " ") .. "\n") end
  io.write(string.format(
    '\nRESULT {"requests": %d, "microseconds": %d, "bytes": %d, "connect": %d, "read": %d, "write": %d, ' ..
    '"status": %d, "timeout": %d, "wrong": %d, "p50": %d, "p90": %d, "p99": %d, "max": %d}\n',
    summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write,
    errors.status, errors.timeout, wrong, latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency.max))
end
