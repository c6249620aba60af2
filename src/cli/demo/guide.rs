//! What whoever started the demo needs to join in: addresses, tokens, and lines to paste.

use std::net::SocketAddr;
use std::path::Path;

use super::company::{Company, QUICKER, VISITOR};
use super::people::Tokens;

/// The guide as text.
pub(super) fn text(company: &Company, tokens: &Tokens, folder: &Path, address: SocketAddr) -> String {
    let Tokens { visitor, supervisor, .. } = tokens;
    let simulated = company.simulated.len();
    let folder = folder.display();
    format!(
        r#"Intervalo demo: company "{tenant}", {simulated} simulated agents, pauses {QUICKER} times as quick as in life.
Data in {folder}, removed at the end. Ctrl-C stops.

  socket  ws://{address}/v1/ws
  calls   http://{address}/v1/rpc
  health  http://{address}/readyz

An agent for you ("{VISITOR}", nobody simulates it), and a supervisor of all teams:

export AGENT={visitor}
export SUPERVISOR={supervisor}

Take a pause by hand. With Python (pip install websockets), then paste the four lines one by one:

python3 -m websockets ws://{address}/v1/ws
{{"jsonrpc":"2.0","id":1,"method":"session.open","params":{{"token":"{visitor}"}}}}
{{"jsonrpc":"2.0","id":2,"method":"status.set","params":{{"status":"available"}}}}
{{"jsonrpc":"2.0","id":3,"method":"pause.start","params":{{"type":"cafe"}}}}
{{"jsonrpc":"2.0","id":4,"method":"pause.end","params":{{}}}}

With websocat the token goes along, so that the lines 2 to 4 are enough:

websocat -H="Authorization: Bearer $AGENT" ws://{address}/v1/ws

While one of them is open (an agent is there only while a socket is), over HTTP from another terminal:

curl -s http://{address}/v1/rpc -H "Authorization: Bearer $AGENT" -H "Content-Type: application/json" \
  -d '{{"jsonrpc":"2.0","id":5,"method":"pause.start","params":{{"type":"almoco"}}}}'
curl -s http://{address}/v1/rpc -H "Authorization: Bearer $SUPERVISOR" -H "Content-Type: application/json" \
  -d '{{"jsonrpc":"2.0","id":6,"method":"agent.end_pause","params":{{"agent":"{VISITOR}","reason":"please"}}}}'

What the board of all teams shows, as it happens:
"#,
        tenant = company.tenant,
    )
}
