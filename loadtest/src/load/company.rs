//! The company that is put under load, as an import file (`docs/import.md`).

use std::fmt::Write as _;

/// The tenant, unless another is asked for.
pub(super) const TENANT: &str = "loadtest";
/// The one team that all agents are in.
pub(super) const TEAM: &str = "todos";
/// The pause type that is started and ended.
pub(super) const PAUSE_TYPE: &str = "cafe";
/// The most agents: what one process may have connections for, and a directory is one record.
pub(super) const AGENTS_MAX: usize = 60_000;

/// The id of the n-th agent.
pub(super) fn agent(n: usize) -> String {
    format!("agente-{n:05}")
}

/// The name of the n-th agent, as long as people's names are.
fn name(n: usize) -> String {
    format!("Agente de Carga {n:05}")
}

/// The import file. Every rule that a pause type may have is set, so that the server looks at all of them, and
/// none of them ever refuses: the load is to be done, not turned away.
pub fn import_file(tenant: &str, agents: usize) -> String {
    let mut text = format!(
        r##"[tenant]
id = "{tenant}"
name = "Carga"
zone = "America/Sao_Paulo"
status_on_sign_in = "available"

[[team]]
id = "{TEAM}"
name = "Todos"

[[pause_type]]
code = "{PAUSE_TYPE}"
name = {{ "pt-BR" = "Café", en = "Coffee" }}
description = {{ "pt-BR" = "Pausa curta" }}
icon = "coffee"
color = "#804020"
teams = ["{TEAM}"]
min_duration = "1s"
on_early_end = "record"
refund_under = "1s"
limit = "8h"
warn_before = ["5m", "1m"]
grace = "60s"
on_limit = "mark"
escalate_after = ["120s"]
windows = [{{ from = "00:00", until = "12:00" }}, {{ from = "12:00", until = "24:00" }}]
startable_by = "both"
"##
    );
    for n in 0..agents {
        // Writing to a string does not fail.
        let _ = write!(text, "\n[[agent]]\nid = \"{}\"\nname = \"{}\"\nteams = [\"{TEAM}\"]\n", agent(n), name(n));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_told_apart_and_listed() {
        let text = import_file("t", 3);
        assert_eq!(text.matches("[[agent]]").count(), 3);
        for n in 0..3 {
            assert_eq!(text.matches(&format!("id = \"{}\"", agent(n))).count(), 1);
        }
    }
}
