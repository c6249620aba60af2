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

/// What a company has beside its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Company {
    /// How many agents.
    pub(super) agents: usize,
    /// How many of them may be on a pause at once; the others wait in line.
    pub(super) slots: Option<usize>,
    /// How many agents a team has; without it all are in one team.
    pub(super) team_size: Option<usize>,
}

impl Company {
    /// One team, in which everybody may be on a pause.
    pub(super) fn of(agents: usize) -> Company {
        Company { agents, slots: None, team_size: None }
    }

    /// How many teams there are.
    pub(super) fn teams(&self) -> usize {
        self.team_size.map_or(1, |size| self.agents.div_ceil(size).max(1))
    }

    /// The id of a team.
    pub(super) fn team(&self, nth: usize) -> String {
        if self.team_size.is_none() { TEAM.to_owned() } else { format!("equipe-{nth:03}") }
    }

    /// The numbers of the agents of a team.
    pub(super) fn members(&self, nth: usize) -> std::ops::Range<usize> {
        let size = self.team_size.unwrap_or(self.agents);
        (nth * size).min(self.agents)..((nth + 1) * size).min(self.agents)
    }
}

/// The import file of a company with one team. Every rule that a pause type may have is set, so that the server looks at all of them, and
/// none of them ever refuses: the load is to be done, not turned away.
pub fn import_file(tenant: &str, agents: usize) -> String {
    import_file_of(tenant, &Company::of(agents))
}

/// The import file of a company.
pub(super) fn import_file_of(tenant: &str, company: &Company) -> String {
    let teams: Vec<String> = (0..company.teams()).map(|nth| company.team(nth)).collect();
    let listed = format!("[{}]", teams.iter().map(|team| format!("\"{team}\"")).collect::<Vec<_>>().join(", "));
    let mut text = format!(
        r##"[tenant]
id = "{tenant}"
name = "Carga"
zone = "America/Sao_Paulo"
status_on_sign_in = "available"

[[pause_type]]
code = "{PAUSE_TYPE}"
name = {{ "pt-BR" = "Café", en = "Coffee" }}
description = {{ "pt-BR" = "Pausa curta" }}
icon = "coffee"
color = "#804020"
teams = {listed}
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
    // Writing to a string does not fail.
    if let Some(slots) = company.slots {
        let caps: Vec<String> = teams.iter().map(|team| format!("\"{team}\" = {slots}")).collect();
        let _ = writeln!(text, "cap = {{ {} }}\nwhen_full = \"queue\"", caps.join(", "));
    }
    for (nth, team) in teams.iter().enumerate() {
        let name = if company.team_size.is_none() { "Todos".to_owned() } else { format!("Equipe {nth:03}") };
        let _ = write!(text, "\n[[team]]\nid = \"{team}\"\nname = \"{name}\"\n");
    }
    for (nth, team) in teams.iter().enumerate() {
        for n in company.members(nth) {
            let _ = write!(text, "\n[[agent]]\nid = \"{}\"\nname = \"{}\"\nteams = [\"{team}\"]\n", agent(n), name(n));
        }
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
        assert!(text.contains("[[team]]\nid = \"todos\"") && !text.contains("cap ="), "{text}");
    }

    #[test]
    fn everybody_is_in_one_of_the_teams() {
        let company = Company { agents: 5, slots: Some(2), team_size: Some(2) };
        assert_eq!((company.teams(), company.members(2)), (3, 4..5));
        let text = import_file_of("t", &company);
        assert_eq!((text.matches("[[team]]").count(), text.matches("[[agent]]").count()), (3, 5));
        assert!(text.contains("teams = [\"equipe-000\", \"equipe-001\", \"equipe-002\"]"), "{text}");
        assert!(text.contains("cap = { \"equipe-000\" = 2, \"equipe-001\" = 2, \"equipe-002\" = 2 }"), "{text}");
        assert!(text.ends_with("teams = [\"equipe-002\"]\n"), "{text}");
    }
}
