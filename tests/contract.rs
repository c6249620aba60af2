//! What is committed of the contract is what the code says: `docs/contract/` and `docs/roles.md`.

use std::path::Path;

use intervalo::transport::contract;
use serde_json::Value;

/// Set, the files are written instead of compared.
const WRITE: &str = "INTERVALO_WRITE_CONTRACT";

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("JSON") + "\n"
}

#[test]
fn what_is_committed_is_what_the_code_says() {
    let files = [
        ("docs/contract/openapi.json", pretty(&contract::openapi())),
        ("docs/contract/openrpc.json", pretty(&contract::openrpc())),
        ("docs/contract/schemas.json", pretty(&contract::json_schemas())),
        ("docs/contract/types.ts", contract::typescript()),
        ("docs/roles.md", contract::roles()),
    ];
    let writes = std::env::var_os(WRITE).is_some();
    let mut stale = Vec::new();
    for (name, text) in files {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if writes {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, text).expect("written");
        } else if std::fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} are not what the code says; run `just contract` and commit what it writes");
}
