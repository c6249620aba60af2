//! The program as it is started by hand: what it prints where, and how it exits.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn intervalo(folder: &Path, line: &str) -> Output {
    command(folder, line).output().unwrap()
}

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_intervalo"));
    command.current_dir(folder).args(line.split(' ').filter(|word| !word.is_empty()));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INTERVALO_")) {
        command.env_remove(name);
    }
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn sample() -> String {
    format!("{}/examples/acme.toml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(intervalo(folder.path(), "serve --prot 80").status.code(), Some(2));
    assert_eq!(intervalo(folder.path(), "").status.code(), Some(2));
    let help = intervalo(folder.path(), "--help");
    assert_eq!(help.status.code(), Some(0));
    for command in ["serve", "demo", "import", "export", "token", "verify", "check-config", "completions"] {
        assert!(out(&help).contains(command), "{command}");
    }
}

#[test]
fn bad_settings_exit_with_1_and_one_line_each() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), "listn = []\nlog_level = \"loud\"\n").unwrap();
    let output = intervalo(folder.path(), "serve --config s.toml");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "intervalo: s.toml line 1: unknown key `listn`; did you mean `listen`?\n\
         intervalo: s.toml line 2: `log_level`: expected one of error, warn, info, debug, trace, found \"loud\"\n"
    );
    assert!(!folder.path().join("intervalo-data").exists());
}

#[test]
fn check_config_shows_what_is_in_force_and_the_zone_data() {
    let folder = tempfile::tempdir().unwrap();
    let output = intervalo(folder.path(), "check-config --listen 127.0.0.1:9");
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("listen = [\"127.0.0.1:9\"]"));
    assert!(out(&output).contains("# flag --listen"));
    assert!(out(&output).contains("tzdata "));
}

#[test]
fn a_taken_port_exits_with_1_and_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = intervalo(folder.path(), &format!("serve --listen {address}"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
    assert!(err(&output).starts_with(&format!("intervalo: cannot listen on {address}: ")), "{}", err(&output));
}

#[test]
fn a_token_that_no_server_would_take_comes_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "own_tokens = false\n[[issuer]]\niss = \"login\"\njwks = \"keys.json\"\naud = \"desk\"\n";
    std::fs::write(folder.path().join("s.toml"), settings).unwrap();
    let mut token = command(folder.path(), "token --data d --tenant acme --role agent --subject ana");
    let output = token.env("INTERVALO_CONFIG", "s.toml").output().unwrap();
    assert_eq!((output.status.code(), out(&output).lines().count()), (Some(0), 1));
    assert!(err(&output).contains("note: `own_tokens` is false"), "{}", err(&output));
}

#[test]
fn a_token_is_all_that_its_command_prints_but_for_a_note_where_the_folder_was_empty() {
    let folder = tempfile::tempdir().unwrap();
    let token = || intervalo(folder.path(), "token --data d --tenant acme --role agent --subject ana");
    let first = token();
    assert_eq!((first.status.code(), out(&first).lines().count()), (Some(0), 1));
    assert!(err(&first).contains("note: d had no key and no store"), "{}", err(&first));
    let output = token();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    assert_eq!(out(&output).lines().count(), 1);
    assert_eq!(out(&output).trim().split('.').count(), 3);
}

#[test]
fn a_token_for_a_company_or_an_agent_that_there_is_not_comes_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let written = intervalo(folder.path(), &format!("import {} --data d", sample()));
    assert_eq!(written.status.code(), Some(0), "{}", err(&written));
    let token = |words: &str| {
        let output = intervalo(folder.path(), &format!("token --data d {words}"));
        assert_eq!((output.status.code(), out(&output).lines().count()), (Some(0), 1), "{words}: {}", err(&output));
        err(&output)
    };
    let note = token("--tenant acmee --role admin --subject rita");
    assert_eq!(note, "intervalo: note: there is no tenant \"acmee\" in the store; there are: acme\n");
    let note = token("--tenant acme --role agent --subject anna");
    assert_eq!(note, "intervalo: note: the agent \"anna\" is not in the directory of \"acme\"\n");
    assert_eq!(token("--tenant acme --role agent --subject ana"), "");
    assert_eq!(token("--tenant acme --role admin --subject anybody"), "", "only agents are in the directory");
}

#[test]
fn an_import_is_shown_written_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample();
    let dry = intervalo(folder.path(), &format!("import {sample} --data d --dry-run"));
    assert_eq!(dry.status.code(), Some(0), "{}", err(&dry));
    assert!(out(&dry).contains("+ agent ana: Ana Souza\n"), "{}", out(&dry));
    assert!(out(&dry).ends_with("nothing was written: this was a dry run\n"));
    assert!(!folder.path().join("d").exists(), "a dry run makes no folder");

    let first = intervalo(folder.path(), &format!("import {sample} --data d"));
    assert_eq!(first.status.code(), Some(0), "{}", err(&first));
    let again = intervalo(folder.path(), &format!("import {sample} --data d"));
    assert_eq!(out(&again), "nothing to change\n");
    let verified = intervalo(folder.path(), "verify --data d");
    assert_eq!(verified.status.code(), Some(0), "{}", err(&verified));
    assert!(out(&verified).contains("acme head 2 "), "{}", out(&verified));
}

#[test]
fn people_are_imported_from_csv_and_exported_again() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("p.csv", b"matr\xEDcula;nome;equipes\r\njoao;S\xE3o Jo\xE3o;SUPORTE T\xC9CNICO\r\n");
    let early = intervalo(folder.path(), "import p.csv --data d");
    assert_eq!((early.status.code(), folder.path().join("d").exists()), (Some(1), false));
    assert!(err(&early).contains("import a TOML file first"), "{}", err(&early));

    assert_eq!(intervalo(folder.path(), &format!("import {} --data d", sample())).status.code(), Some(0));
    let dry = intervalo(folder.path(), "import p.csv --data d --dry-run --prune");
    assert_eq!(err(&dry), "intervalo: note: p.csv is read as Windows-1252, with semicolons\n");
    assert!(out(&dry).contains("+ agent joao: São João\n"), "{}", out(&dry));
    assert!(out(&dry).contains("agents:     1 added, 0 changed, 60 removed\n"), "{}", out(&dry));
    assert_eq!(intervalo(folder.path(), "import p.csv --data d").status.code(), Some(0));

    let csv = intervalo(folder.path(), "export --data d --tenant acme --format csv --semicolon --bom --output e.txt");
    assert_eq!((csv.status.code(), out(&csv), err(&csv)), (Some(0), String::new(), String::new()));
    let text = std::fs::read_to_string(folder.path().join("e.txt")).unwrap();
    assert!(text.starts_with("\u{feff}id;name;teams;zone;capacity\r\n"), "{text}");
    assert!(text.contains("\r\njoao;São João;suporte;;\r\n"), "{text}");
    let again = intervalo(folder.path(), "import e.txt --format csv --tenant acme --data d --prune");
    assert_eq!(out(&again), "nothing to change\n", "{}", err(&again));

    let toml = intervalo(folder.path(), "export --data d --tenant acme");
    write("e.toml", &toml.stdout);
    for prune in ["", "--prune"] {
        let again = intervalo(folder.path(), &format!("import e.toml --data d {prune}"));
        assert_eq!((out(&again), err(&again)), ("nothing to change\n".to_owned(), String::new()));
    }
    let nobody = intervalo(folder.path(), "export --data d --tenant globex");
    assert_eq!(nobody.status.code(), Some(1));
    let told = "intervalo: there is no tenant \"globex\" in the store; there are: acme\n";
    assert_eq!(err(&nobody), told);
}

#[test]
fn everything_wrong_with_people_is_told_by_line_and_column_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(intervalo(folder.path(), &format!("import {} --data d", sample())).status.code(), Some(0));
    let before = out(&intervalo(folder.path(), "export --data d --tenant acme"));
    let many: String = (0..120).map(|n| format!("nova-{n},Nova,nenhuma\n")).collect();
    std::fs::write(folder.path().join("p.csv"), format!("id,nome,equipes\nboa,Boa,suporte\n{many}")).unwrap();
    let output = intervalo(folder.path(), "import p.csv --data d");
    assert_eq!(output.status.code(), Some(1));
    let told = err(&output);
    let lines: Vec<&str> = told.lines().collect();
    let first = "intervalo: p.csv line 3: agent \"nova-0\": column \"equipes\": there is no team \"nenhuma\"";
    assert!(lines[0].starts_with(first), "{}", lines[0]);
    assert_eq!(lines.len(), 102);
    assert_eq!(lines[100..], ["intervalo: and 20 more", "intervalo: nothing was imported: 120 lines to correct"]);
    assert_eq!(out(&intervalo(folder.path(), "export --data d --tenant acme")), before);
}

#[test]
fn a_file_that_cannot_be_is_refused_line_by_line_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[tenant]\nid = \"acme\"\nname = \"Acme\"\nzone = \"Mars/Base\"\n[[agent]]\nid = \"ana\"\nname = \"Ana\"\nteam = []\n";
    std::fs::write(folder.path().join("bad.toml"), text).unwrap();
    let output = intervalo(folder.path(), "import bad.toml --data d");
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<String> = err(&output).lines().map(str::to_owned).collect();
    assert!(
        lines[0].starts_with("intervalo: bad.toml line 4: tenant \"acme\": `zone`: unknown time zone"),
        "{lines:?}"
    );
    assert_eq!(lines[1], "intervalo: bad.toml line 8: agent \"ana\": unknown key `team`; did you mean `teams`?");
    assert_eq!(lines[2], "intervalo: nothing was imported: 2 lines to correct");
    assert!(!folder.path().join("d").exists());
}

#[test]
fn a_path_that_cannot_be_used_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a-file"), "").unwrap();
    std::fs::copy(sample(), folder.path().join("acme.toml")).unwrap();
    for (line, advice) in [
        ("import no-such.toml", "check the path"),
        ("import .", "name the TOML file in it"),
        ("import acme.toml --data a-file", "name a data folder"),
        ("serve --data a-file/below --listen 127.0.0.1:0", "name a data folder that this user can write"),
    ] {
        let output = intervalo(folder.path(), line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        let told = err(&output);
        assert!(told.trim_end().ends_with(advice) && told.lines().count() == 1, "{line}: {told}");
    }
}

#[test]
fn verify_of_an_empty_folder_fails_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = intervalo(folder.path(), "verify --data nowhere");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
}

#[test]
fn completions_are_scripts() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = intervalo(folder.path(), &format!("completions {shell}"));
        assert!(out(&output).contains("check-config"), "{shell}");
    }
}

#[test]
fn a_folder_in_use_is_refused_naming_the_process_and_is_free_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server =
        command(folder.path(), "serve --data d --listen 127.0.0.1:0").stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("listening on 127.0.0.1:")), "the server did not come up");

    let import = intervalo(folder.path(), &format!("import {} --data d", sample()));
    assert_eq!(import.status.code(), Some(1));
    let line = err(&import);
    assert!(line.contains(&format!("in use by process {}; ", server.id())), "{line}");
    assert!(line.contains("stop that server"), "{line}");
    assert_eq!(line.lines().count(), 1);
    let export = intervalo(folder.path(), "export --data d --tenant acme");
    assert!(err(&export).contains("there is no tenant \"acme\""), "beside a server it reads: {}", err(&export));
    let second = intervalo(folder.path(), "serve --data d --listen 127.0.0.1:0");
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains(&format!("in use by process {}", server.id())), "{}", err(&second));

    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(log.all(|line| line.is_ok()), "the log can be read to its end");
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let after = intervalo(folder.path(), &format!("import {} --data d", sample()));
    assert_eq!(after.status.code(), Some(0), "{}", err(&after));
}

#[test]
fn the_demo_ends_by_itself_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), "demo --agents 8 --seconds 3").env("TMPDIR", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    assert!(text.contains("export AGENT="), "{text}");
    assert!(text.contains("export SUPERVISOR="), "{text}");
    assert!(text.contains("offline → unavailable [sign_in]"), "{text}");
    assert!(text.ends_with("the board held every frame against the protocol and found no fault\n"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}
