//! A small company for crashes: no window, no hold, so that what an agent wants depends on the agent alone.

/// The tenant.
pub(crate) const TENANT: &str = "acme";
/// Another tenant, on a shard of its own, whose commits share transactions with the first one's.
pub(crate) const NEIGHBOUR: &str = "vizinha";
/// The protected pause type, which no board may show.
pub(crate) const PROTECTED: &str = "banheiro";
/// The types that may replace each other.
pub(crate) const REPLACEABLE: [&str; 3] = ["cafe", "reuniao", "descanso"];
/// The teams, one agent in each in turn.
pub(crate) const TEAMS: [&str; 2] = ["suporte", "vendas"];
/// The limit of the pause type `curta`, in seconds: a slow machine can kill a server within it.
pub(crate) const SHORT_LIMIT_S: i64 = 3;

/// The id of the tenant's n-th agent.
pub(crate) fn agent(n: usize) -> String {
    agent_of(TENANT, n)
}

/// The id of a tenant's n-th agent; it is of no other tenant.
pub(crate) fn agent_of(tenant: &str, n: usize) -> String {
    format!("{tenant}-{n:02}")
}

/// The limit of the pause type `marcada`, in seconds: a warning a second before it, an overrun and an escalation a second
/// after it and after that.
pub(crate) const MARKED_LIMIT_S: i64 = 4;

/// The import file of the company with this many agents, who are given up after `connection_grace`.
pub(crate) fn company(agents: usize, connection_grace: &str) -> String {
    company_of(TENANT, agents, connection_grace)
}

/// The same for another tenant.
pub(crate) fn company_of(tenant: &str, agents: usize, connection_grace: &str) -> String {
    let mut text = format!(
        r#"
[tenant]
id = "{tenant}"
name = "Atendimento"
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

[[pause_type]]
code = "marcada"
name = {{ "pt-BR" = "Pausa marcada" }}
limit = "{MARKED_LIMIT_S}s"
warn_before = ["1s"]
grace = "1s"
escalate_after = ["1s"]
"#
    );
    for team in TEAMS {
        text.push_str(&format!("\n[[team]]\nid = \"{team}\"\nname = \"{team}\"\n"));
    }
    for n in 0..agents {
        let (id, team) = (agent_of(tenant, n), TEAMS[n % TEAMS.len()]);
        text.push_str(&format!("\n[[agent]]\nid = \"{id}\"\nname = \"Agente {n}\"\nteams = [\"{team}\"]\n"));
    }
    text
}
