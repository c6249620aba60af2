//! The company of the day: its pauses are as short as the day is.

use std::fmt::Write as _;

use super::plan::Kind;
use crate::load::company::{TEAM, agent};

impl Kind {
    /// The code of its type.
    pub(super) fn code(self) -> &'static str {
        match self {
            Kind::Lunch => "almoco",
            Kind::Rest => "descanso",
            Kind::Restroom => "banheiro",
        }
    }
}

/// The import file. Lengths are those of a real day by the speed, a second at least, which is the shortest that a
/// policy knows. What happens by the clock on the wall, such as windows, has no place in it.
pub(super) fn import_file(tenant: &str, agents: usize, speed: u32) -> String {
    let scaled = |minutes: f64| format!("{}s", (minutes * 60.0 / f64::from(speed)).ceil().max(1.0));
    let (lunch, rest, restroom, hour) = (scaled(60.0), scaled(10.0), scaled(15.0), scaled(60.0));
    let (warning, soon) = (scaled(1.0), scaled(2.0));
    let mut text = format!(
        r##"[tenant]
id = "{tenant}"
name = "Um dia"
zone = "America/Sao_Paulo"
status_on_sign_in = "available"

[[team]]
id = "{TEAM}"
name = "Todos"

[[pause_type]]
code = "almoco"
name = {{ "pt-BR" = "Almoço", en = "Lunch" }}
limit = "{lunch}"
grace = "{warning}"
escalate_after = ["{soon}"]
refund_under = "0s"
quota_count = 1
cap = {{ {TEAM} = {{ percent = 35 }} }}
when_full = "refuse"

[[pause_type]]
code = "descanso"
name = {{ "pt-BR" = "Descanso", en = "Rest" }}
limit = "{rest}"
grace = "{warning}"
escalate_after = ["{soon}"]
refund_under = "0s"
quota_count = 2
cooldown = "{hour}"
cap = {{ {TEAM} = {{ percent = 10 }} }}
when_full = "refuse"

[[pause_type]]
code = "banheiro"
name = {{ "pt-BR" = "Banheiro", en = "Restroom" }}
limit = "{restroom}"
grace = "{warning}"
escalate_after = ["{soon}"]
refund_under = "0s"
"##
    );
    for n in 0..agents {
        // Writing to a string does not fail.
        let _ = write!(text, "\n[[agent]]\nid = \"{}\"\nname = \"Agente {n:05}\"\nteams = [\"{TEAM}\"]\n", agent(n));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_as_short_as_the_day_and_never_shorter_than_a_second() {
        let text = import_file("t", 2, 480);
        assert!(text.contains("limit = \"8s\"") && text.contains("limit = \"2s\""), "{text}");
        assert!(import_file("t", 2, 28_800).contains("limit = \"1s\""));
        assert_eq!(text.matches("[[agent]]").count(), 2);
        let read: toml::Table = text.parse().expect("TOML");
        let types = read["pause_type"].as_array().expect("a list");
        let codes: Vec<&str> = types.iter().filter_map(|one| one["code"].as_str()).collect();
        assert_eq!(codes, [Kind::Lunch, Kind::Rest, Kind::Restroom].map(Kind::code));
    }
}
