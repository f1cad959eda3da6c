//! The command line, as somebody types it: the real program with a data directory of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;

use crate::audit;
use crate::support::PASSWORD;

/// The program, told nothing but its data directory.
pub fn keydesk(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
    command.env_clear().env("KEYDESK_DATA_DIR", folder.join("data")).env("KEYDESK_LISTEN", "127.0.0.1:0");
    // Where scripts/coverage counts what the program runs.
    command.envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn created(folder: &Path, email: &str, typed: &str) -> Output {
    let mut child = keydesk(folder, &["admin", "create", email]).stdin(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a stdin").write_all(typed.as_bytes()).expect("it reads");
    audit::note(PASSWORD);
    finished(child)
}

pub fn finished(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

pub fn said(output: &Output) -> (bool, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// A desk that serves, until dropped.
pub struct Serving {
    child: Child,
    /// Held open: a program whose words nobody hears may fall over.
    stdout: BufReader<ChildStdout>,
    port: u16,
    /// What it said before it listened.
    before: Vec<String>,
}

impl Serving {
    pub fn start(command: &mut Command, folder: &Path) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(folder.join("keydesk.log"));
        let mut child = command.stderr(log.expect("a log file")).spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("a stdout"));
        let mut serving = Self { child, stdout, port: 0, before: Vec::new() };
        while serving.port == 0 {
            let mut line = String::new();
            assert!(serving.stdout.read_line(&mut line).expect("it speaks") > 0, "it ended: {:?}", serving.before);
            match line.trim().split_once("listening on http://localhost:") {
                Some((_, port)) => serving.port = port.parse().expect("a port"),
                None => serving.before.push(line.trim().to_owned()),
            }
        }
        serving
    }

    /// The status and body of one request.
    pub fn ask(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            self.port
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
    }

    fn logs_in(&self, email: &str) -> u16 {
        let (status, body) =
            self.ask("POST /api/auth/login", &format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#));
        let granted: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        for token in ["token", "refresh_token"] {
            granted[token].as_str().into_iter().for_each(audit::note);
        }
        status
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    pub fn stop(mut self) -> bool {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().expect("kill");
        assert!(told.success());
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn folder() -> TempDir {
    audit::folder("web-command-")
}

#[test]
fn an_administrator_is_made_with_a_password_that_is_typed_and_never_shown() {
    let folder = folder();
    let (fine, out, err) = said(&created(folder.path(), "ops@halden.example", &format!("{PASSWORD}\n")));
    assert!(fine, "{err}");
    assert_eq!(out, "ops@halden.example is the administrator of a new account.");
    assert!(!err.contains(PASSWORD));
    let mode =
        |file: &str| std::fs::metadata(folder.path().join("data").join(file)).expect(file).permissions().mode() & 0o777;
    assert_eq!((mode("secret"), mode("keydesk.db")), (0o600, 0o600), "nobody else reads them");

    let (fine, _, err) = said(&created(folder.path(), "OPS@halden.example", &format!("{PASSWORD}\n")));
    assert!(!fine && err.contains("exists already"), "{err}");

    let serving = Serving::start(&mut keydesk(folder.path(), &[]), folder.path());
    assert_eq!(serving.ask("GET /healthz", "").0, 200);
    assert_eq!(serving.ask("GET /readyz", "").0, 200);
    assert_eq!(serving.logs_in("ops@halden.example"), 200);
    assert!(serving.stop(), "told to stop, it ends well");
}

#[test]
fn a_password_or_address_that_cannot_be_is_refused_in_a_sentence() {
    let folder = folder();
    for (email, typed, why) in [
        ("ops@halden.example", "short\n", "password: Use 12 characters or more. This password has 5."),
        ("ops@halden.example", "", "password: Use 12 characters or more. This password has 0."),
        ("ops@halden.example", "passwordpassword\n", "password: This password is easy to guess."),
        ("ops", "copper lantern orbit\n", "email: Enter an email address, such as ana@example.com."),
    ] {
        let (fine, out, err) = said(&created(folder.path(), email, typed));
        assert!(!fine, "{email} {typed}");
        assert_eq!(out, "");
        assert!(err.contains(why), "{err}");
        assert!(typed.is_empty() || !err.contains(typed.trim()), "{err}");
    }
}

#[test]
fn a_first_start_makes_the_administrator_of_the_environment_and_a_second_changes_nothing() {
    let folder = folder();
    let password = folder.path().join("password");
    // The audit looks for plaintexts in this folder; a password file is where one belongs.
    let outside = tempfile::tempdir().expect("a folder");
    let password = outside.path().join(password.file_name().expect("a name"));
    std::fs::write(&password, format!("{PASSWORD}\n")).expect("a password file");
    let start = || {
        let mut command = keydesk(folder.path(), &[]);
        command.env("KEYDESK_BOOTSTRAP_ADMIN_EMAIL", "ops@halden.example");
        command.env("KEYDESK_BOOTSTRAP_ADMIN_PASSWORD_FILE", &password);
        Serving::start(&mut command, folder.path())
    };
    let first = start();
    assert_eq!(first.before, ["ops@halden.example is the administrator of a new account."]);
    assert_eq!(first.logs_in("ops@halden.example"), 200);
    assert!(first.stop());
    std::fs::write(&password, "another lantern orbits\n").expect("a password file");
    let second = start();
    assert_eq!(second.before, ["ops@halden.example exists; nothing was changed."]);
    assert_eq!(second.logs_in("ops@halden.example"), 200, "the password is still the first one");
    assert!(second.stop());
}

#[test]
fn a_setting_that_cannot_be_is_one_clear_sentence() {
    let folder = folder();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let open = folder.path().join("open-secret");
    std::fs::write(&open, [1; 32]).expect("a file");
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).expect("permissions");
    let cut = folder.path().join("cut-secret");
    std::fs::write(&cut, [1; 31]).expect("a file");
    std::fs::set_permissions(&cut, PermissionsExt::from_mode(0o600)).expect("permissions");
    let product = folder.path().join("product.toml");
    std::fs::write(&product, "[brand]\nname = \"X\"\ncolour = \"red\"\n").expect("a file");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let path = |path: &Path| path.to_str().expect("text").to_owned();
    for (setting, value, why) in [
        (
            "KEYDESK_PUBLIC_URL",
            "keys.example".to_owned(),
            "KEYDESK_PUBLIC_URL \"keys.example\" must be http:// or https:// and a host",
        ),
        ("KEYDESK_DATABASE_URL", "mysql://x".to_owned(), "DATABASE_URL must start with sqlite:// or postgres://"),
        ("KEYDESK_SECRET_FILE", path(&open), "can be read by others; run: chmod 600"),
        ("KEYDESK_SECRET_FILE", path(&cut), "must hold exactly 32 bytes, or 64"),
        ("KEYDESK_PRODUCT", "nowhere.toml".to_owned(), "Cannot read the product definition nowhere.toml"),
        ("KEYDESK_PRODUCT", path(&product), "colour"),
        ("KEYDESK_LISTEN", taken, "Choose another with --listen."),
        ("KEYDESK_LISTEN", "here".to_owned(), "invalid value 'here' for '--listen <LISTEN>'"),
        ("KEYDESK_BOOTSTRAP_ADMIN_EMAIL", "ops@halden.example".to_owned(), "--bootstrap-admin-password-file"),
    ] {
        let child = keydesk(folder.path(), &[]).env(setting, &value).spawn().expect("it starts");
        let (fine, out, err) = said(&finished(child));
        assert!(!fine, "{setting}={value}");
        assert_eq!(out, "", "{setting}={value}");
        assert!(err.contains(why), "{setting}={value}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn the_api_is_printed_for_the_product_in_use_without_a_database() {
    let folder = folder();
    let product = folder.path().join("product.toml");
    let definition = keydesk::product::DEFAULT.replace("api_name = \"inboxes\"", "api_name = \"servers\"");
    std::fs::write(&product, definition).expect("a file");
    let mut command = keydesk(folder.path(), &["openapi", "--public-url", "https://keys.example"]);
    let (fine, out, err) = said(&finished(command.env("KEYDESK_PRODUCT", product).spawn().expect("it starts")));
    assert!(fine, "{err}");
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(document["servers"][0]["url"], "https://keys.example");
    assert!(document["paths"].get("/v1/servers/{id}").is_some());
    assert!(!folder.path().join("data").exists());
}

#[test]
fn what_is_odd_about_a_definition_is_said_once_at_the_start() {
    let folder = folder();
    let odd =
        keydesk::product::DEFAULT.to_owned() + "\n[[groups]]\nid = \"moon\"\nlabel = \"Moon\"\ndescription = \"\"\n";
    std::fs::write(folder.path().join("odd.toml"), &odd).expect("a file");
    let serves = || {
        let serving = Serving::start(&mut keydesk(folder.path(), &["--product", "odd.toml"]), folder.path());
        assert_eq!(serving.ask("GET /healthz", "").0, 200);
        assert!(serving.stop());
    };
    serves();
    let log = || std::fs::read_to_string(folder.path().join("keydesk.log")).expect("a log");
    assert_eq!(log().matches("The group \"moon\" has no scopes").count(), 1, "{}", log());
    let environments = odd.find("# Offered in this").expect("it")..odd.find("[expiry]").expect("it");
    let mut bare = odd.replace("environment = \"live\"\n", "");
    let shift = odd.len() - bare.len();
    bare.replace_range(environments.start - shift..environments.end - shift, "");
    std::fs::write(folder.path().join("odd.toml"), bare).expect("a file");
    serves();
    assert!(log().contains("Secrets begin with kd_, and with kd_live_ in the database"), "{}", log());
}

#[test]
fn support_staff_is_named_on_the_command_line_and_the_api_says_so() {
    let folder = folder();
    let staff = |act: &str, email: &str| {
        said(&finished(keydesk(folder.path(), &["staff", act, email]).spawn().expect("it starts")))
    };
    let (fine, out, err) = staff("add", "ops@halden.example");
    assert!(!fine && out.is_empty() && err.contains("nobody signs in with ops@halden.example"), "{err}");
    created(folder.path(), "ops@halden.example", &format!("{PASSWORD}\n"));
    let serving = Serving::start(&mut keydesk(folder.path(), &[]), folder.path());
    let is_admin = || {
        let body = format!(r#"{{"email":"ops@halden.example","password":"{PASSWORD}"}}"#);
        let granted: serde_json::Value =
            serde_json::from_str(&serving.ask("POST /api/auth/login", &body).1).expect("JSON");
        for token in ["token", "refresh_token"] {
            granted[token].as_str().into_iter().for_each(audit::note);
        }
        (granted["user"]["isAdmin"] == true, granted["refresh_token"].as_str().expect("a token").to_owned())
    };
    let mut refresh_token = String::new();
    for (act, email, says, now) in [
        ("remove", "ops@halden.example", "ops@halden.example is not support staff; nothing was changed.", false),
        ("add", "OPS@halden.example", "ops@halden.example is support staff.", true),
        ("add", "ops@halden.example", "ops@halden.example is support staff already; nothing was changed.", true),
    ] {
        assert_eq!(staff(act, email), (true, says.to_owned(), String::new()));
        let (is, token) = is_admin();
        assert_eq!(is, now, "{act}");
        refresh_token = token;
    }
    let ended = "ops@halden.example is not support staff any more, and signed out everywhere.";
    assert_eq!(staff("remove", "ops@halden.example"), (true, ended.to_owned(), String::new()));
    let body = format!(r#"{{"refresh_token":"{refresh_token}"}}"#);
    assert_eq!(serving.ask("POST /api/auth/refresh", &body).0, 401);
    assert!(!is_admin().0);
    assert!(serving.stop());
}

#[test]
fn a_session_key_is_rotated_on_the_command_line_and_a_desk_that_serves_follows() {
    let folder = folder();
    let rotate = |arguments: &[&str]| {
        let arguments = [&["session-keys", "rotate"], arguments].concat();
        said(&finished(keydesk(folder.path(), &arguments).spawn().expect("it starts")))
    };
    created(folder.path(), "ops@halden.example", &format!("{PASSWORD}\n"));
    let serving = Serving::start(&mut keydesk(folder.path(), &[]), folder.path());
    let kids = || {
        let set: serde_json::Value =
            serde_json::from_str(&serving.ask("GET /.well-known/jwks.json", "").1).expect("JSON");
        let kid = |key: &serde_json::Value| key["kid"].as_str().expect("a key id").to_owned();
        set["keys"].as_array().expect("keys").iter().map(kid).collect::<Vec<_>>()
    };
    let first = kids();
    let (fine, out, err) = rotate(&[]);
    assert!(fine && err.contains("The session-token key was rotated"), "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].contains("(generation 2): signs from 2") && lines[0].ends_with("verifies until it is rotated."));
    assert!(lines[1].starts_with(&format!("Key {} (generation 1): signs until 2", first[0])), "{out}");
    assert!((0..100_000).any(|_| kids().len() == 2), "the desk hears of it");

    let (fine, out, err) = rotate(&["--now"]);
    assert!(fine, "{err}");
    assert!(out.starts_with("Every other key was dropped"), "{out}");
    assert!((0..100_000).any(|_| kids().len() == 1), "the desk hears of it");
    assert!(out.contains(&format!("Key {} (generation 3): signs from 2", kids()[0])), "{out}");
    assert!(serving.stop());
}
