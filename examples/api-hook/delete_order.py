"""Deletes an order once people have approved it: COUNTERSIGN_KEY=cs_… ORDERS_API_TOKEN=… python3 delete_order.py 1002"""
import os, sys, uuid, requests

GATEWAY = os.environ.get("COUNTERSIGN_GATEWAY", "http://127.0.0.1:8641")
ORDERS_API = os.environ.get("ORDERS_API", "http://127.0.0.1:8700")
PATH = f"/v1/orders/{sys.argv[1]}"

def ask(method, path, body=None):
    headers = {"Authorization": "Bearer " + os.environ["COUNTERSIGN_KEY"], "Idempotency-Key": str(uuid.uuid4())}
    answer = requests.request(method, GATEWAY + path, json=body, headers=headers, timeout=60)
    if not answer.ok:
        sys.exit("Not done. " + answer.json()["detail"])
    return answer.json()

endpoint = {"type": "Endpoint", "id": "orders-api/deleteOrder"}
action = {
    "subject": {"type": "Agent", "id": ask("GET", "/v1/me")["id"]},
    "action": {"name": "http:delete"}, "resource": {"type": "Connection", "id": "orders-api"},
    "context": {"operations": [{"effect": "delete", "action": "http:delete", "resource": endpoint}],
                "method": "DELETE", "path": PATH, "headers": {}}}
verdict = ask("POST", "/v1/actions", action)
if verdict["decision"] == "deny":
    sys.exit("Not done. " + verdict["reasons"][0]["message"])
approval = verdict.get("approval")
while approval and approval["status"] == "pending":
    approval = ask("GET", f"/v1/approvals/{approval['id']}?wait=30")
if approval and (approval["status"] != "approved" or approval["action"] | {"subject": action["subject"]} != action):
    sys.exit(f"Not done. The approval is {approval['status']}.")
if approval:
    ask("POST", f"/v1/approvals/{approval['id']}/redeem", {"action_digest": approval["action_digest"]})
outcome = {"result": "unknown"}
try:
    token = {"Authorization": "Bearer " + os.environ["ORDERS_API_TOKEN"]}
    done = requests.delete(ORDERS_API + PATH, headers=token, timeout=30)
    outcome = {"result": "succeeded" if done.ok else "failed", "status": done.status_code}
finally:
    if approval:
        ask("POST", f"/v1/approvals/{approval['id']}/outcome", outcome)
print("Done." if done.ok else f"The orders API answered {done.status_code}.")
