//! A small company for crashes: no window, no hold, so that what an agent wants depends on the agent alone.

/// The tenant.
pub(crate) const TENANT: &str = "acme";
/// The protected pause type, which no board may show.
pub(crate) const PROTECTED: &str = "banheiro";
/// The types that may replace each other.
pub(crate) const REPLACEABLE: [&str; 3] = ["cafe", "reuniao", "descanso"];
/// The teams, one agent in each in turn.
pub(crate) const TEAMS: [&str; 2] = ["suporte", "vendas"];
/// The limit of the pause type `curta`, in seconds: a slow machine can kill a server within it.
pub(crate) const SHORT_LIMIT_S: i64 = 3;

/// The id of the n-th agent.
pub(crate) fn agent(n: usize) -> String {
    format!("agente-{n:02}")
}

/// The import file of a company with this many agents, who are given up after `connection_grace`.
pub(crate) fn company(agents: usize, connection_grace: &str) -> String {
    let mut text = format!(
        r#"
[tenant]
id = "{TENANT}"
name = "Acme Atendimento"
zone = "America/Sao_Paulo"
connection_grace = "{connection_grace}"

[[pause_type]]
code = "cafe"
name = {{ "pt-BR" = "Café" }}

[[pause_type]]
code = "reuniao"
name = {{ "pt-BR" = "Reunião" }}
limit = "8h"

[[pause_type]]
code = "descanso"
name = {{ "pt-BR" = "Descanso" }}
class = "entitlement"

[[pause_type]]
code = "{PROTECTED}"
name = {{ "pt-BR" = "Banheiro" }}
class = "protected"

[[pause_type]]
code = "curta"
name = {{ "pt-BR" = "Pausa curta" }}
limit = "{SHORT_LIMIT_S}s"
grace = "0s"
"#
    );
    for team in TEAMS {
        text.push_str(&format!("\n[[team]]\nid = \"{team}\"\nname = \"{team}\"\n"));
    }
    for n in 0..agents {
        let team = TEAMS[n % TEAMS.len()];
        text.push_str(&format!("\n[[agent]]\nid = \"{0}\"\nname = \"Agente {n}\"\nteams = [\"{team}\"]\n", agent(n)));
    }
    text
}
