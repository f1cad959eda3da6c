//! Every mistake: a change to the built-in definition, what is said of it, and the line it is said of.

use crate::product::{DEFAULT, Definition, Product};

/// The built-in definition with one change; what it changes must be there.
fn changed(from: &str, to: &str) -> String {
    assert!(DEFAULT.contains(from), "{from}");
    DEFAULT.replacen(from, to, 1)
}

/// That the report of `text` says exactly `sentences` and points at the line that holds `at`.
fn says(text: &str, at: &str, sentences: &[&str]) {
    let why = Product::parse(text).expect_err(sentences[0]).to_string();
    let line = text.lines().position(|line| line.contains(at)).expect(at) + 1;
    assert!(why.contains(&format!("--> definition.toml:{line}:")), "not line {line}: {why}");
    for sentence in sentences {
        assert!(why.contains(sentence), "{sentence}: {why}");
    }
    assert_eq!(why.matches("error: ").count(), 1, "{why}");
}

/// Rows of: what is changed, into what, what the mistake says, and what is allowed. The mistake is where the change is.
fn table(rows: &[(&str, &str, &str, &str)]) {
    for (from, to, mistake, allowed) in rows {
        says(&changed(from, to), to.lines().last().expect("a line"), &[mistake, allowed]);
    }
}

const LIVE: &str = "environment = \"live\"";
const SEND: &str = "[[presets]]\nid = \"send\"\nlabel = \"Send only\"\nscopes = [\"mail:send\"]\n";
const SIGN_UP: &str = "[sign_up_key]\nname = \"first-key\"\nenvironment = \"live\"\npreset = \"full\"\n";
const ROTATION: &str = "[rotation]\n";
const IN_PAGE: &str = "in_page = [\"create\", \"rename\", \"pause\", \"rotate\", \"delete\"]";
const OVER_API: &str = "over_api = [\"create\", \"rotate\", \"delete\"]";

#[test]
fn a_field_that_cannot_be_read_is_named_with_what_is_allowed() {
    table(&[
        ("[words]", "[words]\ncolour = 1", "words has no field \"colour\"", "Known are resource, resources, api_name"),
        ("limit = 0", "limit = 0\nlimt = 0", "keys has no field \"limt\"", "Did you mean limit?"),
        ("limit = 0", "limit = \"many\"", "keys.limit is the text \"many\"", "Write a whole number."),
        ("limit = 0", "limit = 1.5", "keys.limit is the number 1.5", "Write a whole number."),
        ("limit = 0", "limit = 99999999999999999999", "keys.limit is the number", "Write a whole number."),
        ("per_minute = 100", "per_minute = -1", "rate_limit.per_minute is the number -1", "0 or more"),
        (
            "reveal = \"once\"",
            "reveal = \"agian\"",
            "keys.reveal is \"agian\"",
            "Known are once and again. Did you mean again?",
        ),
        ("reveal = \"once\"", "reveal = 1", "keys.reveal is the number 1", "Write one of once, again."),
        ("policy = \"optional\"", "policy = \"maybe\"", "expiry.policy is \"maybe\"", "none, optional and required"),
        ("kind = \"action\"", "kind = \"do\"", "scopes[0].kind is \"do\"", "Known are read, write and action."),
        (IN_PAGE, "in_page = [\"create\", \"pawse\"]", "keys.in_page[1] is \"pawse\"", "Did you mean pause?"),
        (IN_PAGE, "in_page = true", "keys.in_page is true", "Write a list"),
        (
            "choose_scopes = true",
            "choose_scopes = \"no\"",
            "keys.choose_scopes is the text \"no\"",
            "Write true or false.",
        ),
        ("[brand]", "[[brand]]", "brand is a list", "Write a table: [brand]."),
        (SEND, "[presets]", "presets is a table", "Write [[presets]], once for each."),
        (
            "name = \"Keydesk\"",
            "name = \"Key\\u0007desk\"",
            "holds the control character '\\u{7}'",
            "nothing that cannot be seen",
        ),
        ("name = \"Keydesk\"", "name = \"Key\\tdesk\"", "brand.name holds the control character '\\t'", "on one line"),
    ]);
    says(&changed("prefix = \"kd\"", ""), "[keys]", &["keys.prefix is missing", "Write a text in quotes."]);
    let why = Product::parse(&changed("[expiry]\n", "[expiry_]\n")).expect_err("no expiry").to_string();
    assert!(why.contains("expiry is missing") && why.contains("Write a table: [expiry]."), "{why}");
    assert!(why.contains("a definition has no field \"expiry_\"") && why.contains("Did you mean expiry?"), "{why}");
}

#[test]
fn an_error_of_syntax_is_named_and_nothing_is_concluded_from_what_it_hides() {
    says(&changed("limit = 0", "limit = "), "limit = ", &[""]);
    says(&changed("limit = 0", "limit 0"), "limit 0", &[""]);
    says(&changed("prefix = \"kd\"", "prefix = \"kd"), "prefix = \"kd", &[""]);
    says(&changed("[words]", "[words"), "[words", &[""]);
    says(&changed("limit = 0", "limit = 0\nlimit = 1"), "limit = 1", &["Duplicate key"]);
}

#[test]
fn what_a_product_calls_itself_must_be_sayable() {
    table(&[
        ("name = \"Keydesk\"", "name = \"\"", "brand.name has 0 characters", "Write 1 to 40 characters."),
        ("name = \"Keydesk\"", &format!("name = \"{}\"", "K".repeat(41)), "brand.name has 41 characters", "1 to 40"),
        (
            "env_var = \"KEYDESK_API_KEY\"",
            "env_var = \"KEY-DESK\"",
            "brand.env_var is \"KEY-DESK\"",
            "letters, digits and _",
        ),
        ("env_var = \"KEYDESK_API_KEY\"", "env_var = \"1KEY\"", "brand.env_var is \"1KEY\"", "begin with no digit"),
        ("base_url = \"\"", "base_url = \"mail.example\"", "api.base_url is \"mail.example\"", "Write https://"),
        ("base_url = \"\"", "base_url = \"http://mail.example\"", "api.base_url is", "for this machine only"),
        ("base_url = \"\"", "base_url = \"https://mail.example/v1\"", "api.base_url is", "nothing behind it"),
        ("base_url = \"\"", "base_url = \"https://\"", "api.base_url is", "a host"),
        ("path = \"/v1\"", "path = \"v1\"", "api.path is \"v1\"", "Write / and plain segments"),
        ("path = \"/v1\"", "path = \"/\"", "api.path is \"/\"", "Write / and plain segments"),
        ("path = \"/v1\"", "path = \"/v1/\"", "api.path is \"/v1/\"", "Write / and plain segments"),
        ("path = \"/v1\"", "path = \"/a/../b\"", "api.path is", "Write / and plain segments"),
        ("path = \"/v1\"", "path = \"/gate/v1\"", "api.path is \"/gate/v1\"", "Keydesk's own pages and doors"),
        ("path = \"/v1\"", "path = \"/settings\"", "api.path is \"/settings\"", "Keydesk's own pages and doors"),
        ("path = \"/v1\"", "path = \"/api/auth\"", "api.path is \"/api/auth\"", "Keydesk's own pages and doors"),
        ("api_name = \"inboxes\"", "api_name = \"keys\"", "words.api_name is \"keys\"", "are taken"),
        ("api_name = \"inboxes\"", "api_name = \"In boxes\"", "words.api_name is \"In boxes\"", "lowercase letters"),
        ("resource = \"inbox\"", "resource = \" \"", "words.resource is empty", "customers"),
        (
            "# missing_scope = \"I",
            "missing_scope = \"No.\" # \"",
            "errors.missing_scope has no {scope} in it",
            "Write {scope}",
        ),
        (
            "# rate_limited = \"R",
            "rate_limited = \"No.\" # \"",
            "errors.rate_limited has no {seconds} in it",
            "{seconds}",
        ),
        ("# not_found = \"T", "not_found = \"\" # \"", "errors.not_found is empty", "leave it out"),
        ("id = \"node\"", "id = \"curl\" # node", "samples has \"curl\" twice", "it is here first"),
        ("id = \"node\"", "id = \"No de\"", "The sample's id is \"No de\"", "lowercase letters"),
    ]);
    let asked = format!("{DEFAULT}\n[[questions]]\nquestion = \"Why?\"\nanswer = \" \"\n");
    says(&asked, "answer = \" \"", &["The answer is empty", "leave question and answer out"]);
    let empty = format!("{DEFAULT}\n[[samples]]\nid = \"empty\"\nlabel = \"Empty\"\ncode = \"\"\n");
    says(&empty, "code = \"\"", &["The sample \"empty\" has an empty code"]);
    for path in ["/v1", "/api", "/api/v1", "/mail-api/2"] {
        Product::parse(&changed("path = \"/v1\"", &format!("path = \"{path}\""))).expect(path);
    }
    for url in ["https://mail.example", "https://mail.example:8443/", "http://localhost:3000", "http://127.0.0.2"] {
        Product::parse(&changed("base_url = \"\"", &format!("base_url = \"{url}\""))).expect(url);
    }
}

#[test]
fn what_keys_there_are_and_what_is_done_to_them_must_fit() {
    table(&[
        ("prefix = \"kd\"", "prefix = \"K D\"", "keys.prefix is \"K D\"", "Use lowercase letters and digits."),
        ("prefix = \"kd\"", "prefix = \"kd_\"", "keys.prefix is \"kd_\"", "Use lowercase letters and digits."),
        ("limit = 0", "limit = -1", "keys.limit is -1", "0 is no limit"),
        (
            "types = [\"standard\", \"restricted\"]",
            "types = [\"standard\", \"limited\"]",
            "keys.types has \"limited\"",
            "Known are",
        ),
        (
            "types = [\"standard\", \"restricted\"]",
            "types = [\"standard\", \"standard\"]",
            "\"standard\" twice",
            "once",
        ),
        ("over_api = [\"create\"", "over_api = [\"pause\"", "keys.over_api has \"pause\"", "create, rotate and delete"),
        ("over_api = [\"create\"", "over_api = [\"delete\"", "keys.over_api has \"delete\" twice", "once"),
        ("in_page = [\"create\"", "in_page = [\"delete\"", "keys.in_page has \"delete\" twice", "once"),
        (LIVE, "environment = \"prod\"", "sign_up_key.environment is \"prod\"", "Known are test and live."),
        ("preset = \"full\"", "preset = \"sent\"", "sign_up_key.preset is \"sent\"", "Did you mean send?"),
        ("name = \"first-key\"", "name = \"\"", "sign_up_key.name is empty", "first key"),
    ]);
    let twice =
        format!("{DEFAULT}\n[[environments]]\nid = 'test'\nlabel = \"T\"\ndescription = \"\"\nsummary = \"\"\n");
    says(&twice, "id = 'test'", &["environments has \"test\" twice", "it is here first"]);
    let two =
        changed(OVER_API, "over_api = []").replace(IN_PAGE, "in_page = [\"rotate\", \"delete\"]").replace(SIGN_UP, "");
    says(&two, "in_page =", &["No key could ever exist", "add [sign_up_key]"]);
    let nobody = changed("session_token = true", "session_token = false")
        .replace("full_access = true", "full_access = false")
        .replace("id = \"keys:write\"", "id = \"keys:list\"");
    says(&nobody, OVER_API, &["Nobody could do this over the API", "keys:write"]);
    let standard = changed("types = [\"standard\", \"restricted\"]", "types = [\"restricted\"]");
    says(&standard, "[sign_up_key]", &["A sign-up issues a standard key", "said here"]);
    let restricted = DEFAULT.replace("restricted = true\n", "");
    says(&restricted, "types =", &["No restricted key could hold any scope"]);
    let choice = changed("choose_scopes = true", "choose_scopes = false");
    says(&choice, "[[presets]]", &["nobody can choose a preset"]);
    let choice = choice.replace(SEND, "");
    Product::parse(&choice).expect("everybody has full access");
    let wide = choice.replace("full_access = true", "full_access = false");
    says(&wide, "choose_scopes = false", &["a standard key may not hold all of them", "Set keys.full_access to true"]);
    Product::parse(&changed("limit = 0", "limit = 1")).expect("one key, of either type");
    Product::parse(&changed("full_access = true", "full_access = false")).expect("full means every scope");
}

#[test]
fn what_a_key_may_be_allowed_must_be_defined() {
    table(&[
        (
            "id = \"webhooks:write\"",
            "id = \"webhooks.write\"",
            "The scope's id is \"webhooks.write\"",
            "resource:action",
        ),
        (
            "group = \"domains\"",
            "group = \"domain\"",
            "group \"domain\", which is not defined",
            "Did you mean domains?",
        ),
        ("id = \"send\"", "id = \"full\"", "The preset's id is \"full\"", "choose another id"),
        ("id = \"send\"", "id = \"Send\"", "The preset's id is \"Send\"", "lowercase"),
        ("scopes = [\"mail:send\"]", "scopes = []", "The preset \"send\" has no scopes", "leave the preset out"),
        (
            "scopes = [\"mail:send\"]",
            "scopes = [\"mail:sned\"]",
            "\"mail:sned\", which is not defined",
            "mean mail:send?",
        ),
    ]);
    let group = format!("{DEFAULT}\n[[groups]]\nid = 'mail'\nlabel = \"Again\"\ndescription = \"\"\n");
    says(&group, "id = 'mail'", &["groups has \"mail\" twice", "it is here first"]);
    let scope =
        |rest: &str| format!("{DEFAULT}\n[[scopes]]\nkind = \"read\"\ngroup = \"mail\"\ndescription = \"X\"\n{rest}\n");
    says(&scope("id = 'mail:read'"), "id = 'mail:read'", &["scopes has \"mail:read\" twice", "it is here first"]);
    says(&scope("id = \"x:y\"\nimplies = [\"x:y\"]"), "implies = [\"x:y\"]", &["The scope \"x:y\" implies itself"]);
    says(
        &scope("id = \"x:y\"\nimplies = [\"x:z\"]"),
        "implies = [\"x:z\"]",
        &["implies \"x:z\", which is not defined"],
    );
    let keys = changed("id = \"keys:read\"", "restricted = true # no\nid = \"keys:read\"");
    says(&keys, "restricted = true # no", &["No restricted key may ever hold keys:read"]);
    let own = changed("id = \"domains:write\"", "restricted = true # no\nid = \"domains:write\"")
        .replace("api_name = \"inboxes\"", "api_name = \"domains\"");
    says(&own, "restricted = true # no", &["No restricted key may ever hold domains:write"]);
    let mut none =
        changed("[brand]", "scopes = []\n[brand]").replace("[\"standard\", \"restricted\"]", "[\"standard\"]");
    let scopes = none.find("[[scopes]]").expect("scopes")..none.find("# Choices of scopes").expect("presets");
    none.replace_range(scopes, "");
    let why = Product::parse(&none.replace(SEND, "")).expect_err("nothing to allow").to_string();
    assert!(why.contains("There are no scopes; a key could do nothing"), "{why}");
    let send = changed(SEND, &SEND.replace("\"send\"", "'read'"));
    says(&send, "id = 'read'", &["The preset's id is \"read\""]);
}

#[test]
fn routes_must_be_paths_that_can_be_told_apart_and_take_what_is_defined() {
    let route =
        |fields: &str| format!("{DEFAULT}\n[[routes]]\nmethod = \"GET\"\npath = \"/v1/a\"\n\n[[routes]]\n{fields}\n");
    for (fields, at, sentence) in [
        ("method = \"GET\"\npath = \"/v1/b\"\nscope = \"mail:raed\"", "mail:raed", "Did you mean mail:read?"),
        ("method = \"FETCH\"\npath = \"/v1/b\"", "FETCH", "The route's method is \"FETCH\""),
        ("method = \"GET\"\npath = \"v1/b\"", "\"v1/b\"", "Write whole, plain segments"),
        ("method = \"GET\"\npath = '/v1/a'", "'/v1/a'", "The route GET /v1/a is defined twice"),
    ] {
        says(&route(fields), at, &[sentence]);
    }
}

#[test]
fn what_lasts_how_long_must_be_possible() {
    table(&[
        (
            "choices_days = [30, 90, 365]",
            "choices_days = [30, 0]",
            "expiry.choices_days[1] is 0",
            "Write 1 to 3650 days.",
        ),
        ("choices_days = [30, 90, 365]", "choices_days = [30, 30]", "expiry.choices_days has \"30\" twice", "once"),
        ("default_days = 90", "default_days = 0", "expiry.default_days is 0", "Write 1 to 3650 days."),
        ("# max_days = 365", "max_days = 0", "expiry.max_days is 0", "Write 1 to 3650 days."),
        (
            "grace = [\"0\", \"1h\", \"24h\", \"7d\"]",
            "grace = [\"24h\", \"2d\"]",
            "rotation.grace has \"2d\"",
            "0, 1h, 24h and 7d",
        ),
        (
            "default_grace = \"24h\"",
            "default_grace = \"2h\"",
            "rotation.default_grace is \"2h\"",
            "Choose one of 0, 1h",
        ),
        ("recommended_days = 90", "recommended_days = 4000", "rotation.recommended_days is 4000", "3650 or fewer"),
    ]);
    let most = changed("# max_days = 365", "max_days = 364");
    says(&most, "choices_days =", &["expiry.choices_days[2] is 365", "Write 1 to 364 days.", "said here"]);
    let most = changed("# max_days = 365", "max_days = 80").replace("[30, 90, 365]", "[30]");
    says(&most, "default_days =", &["expiry.default_days is 90"]);
    let none = changed("policy = \"optional\"", "policy = \"none\"").replace("default_days = 90\n", "");
    says(&none, "choices_days =", &["No key expires, yet expiry.choices_days says when"]);
    let required = changed("policy = \"optional\"", "policy = \"required\"")
        .replace("default_days = 90\n", "")
        .replace("choices_days = [30, 90, 365]\n", "");
    says(&required, "policy = \"required\"", &["Every key must expire, yet nothing says when"]);
    let missing = changed("default_grace = \"24h\"\n", "");
    says(&missing, "[rotation]", &["rotation.default_grace is missing"]);
    let fixed = changed(IN_PAGE, "in_page = [\"create\", \"delete\"]").replace(OVER_API, "over_api = []");
    says(&fixed.replace("default_grace = \"24h\"\n", ""), "grace = [", &["Nobody rotates a key", "Leave it out"]);
    let rotation = fixed.find(ROTATION).expect("a table")..fixed.find("[rate_limit]").expect("a table");
    let mut without = fixed;
    without.replace_range(rotation, "");
    Product::parse(&without).expect("a product without rotation says nothing of it");
}

#[test]
fn everything_comes_at_once_with_its_line() {
    let broken = DEFAULT
        .replace("name = \"Keydesk\"", "name = Keydesk")
        .replace("path = \"/v1\"", "path = \"/gate\"\ncolour = \"red\"")
        .replace("resources = \"inboxes\"\n", "")
        .replace("prefix = \"kd\"", "prefix = \"K D\"")
        .replace("limit = 0", "limit = \"many\"")
        .replace("over_api = [\"create\"", "over_api = [\"creat\"")
        .replace("summary = \"Sends real email\"", "sumary = \"Sends real email\"")
        .replace("default_grace = \"24h\"", "default_grace = \"2h\"")
        .replace("kind = \"action\"", "kind = \"do\"")
        .replace("scopes = [\"mail:send\"]", "scopes = [\"mail:sned\"]")
        .replace("id = \"python\"", "id = \"curl\"");
    insta::assert_snapshot!(Product::parse(&broken).expect_err("a broken definition").to_string());
}

#[test]
fn what_is_odd_is_a_warning_and_starts() {
    let odd = changed(
        "[[groups]]\nid = \"mail\"",
        "[[groups]]\nid = \"moon\"\nlabel = \"Moon\"\ndescription = \"X\"\n\n[[groups]]\nid = \"mail\"",
    )
    .replace(SIGN_UP, "")
    .replace("types = [\"standard\", \"restricted\"]", "types = [\"restricted\"]")
    .replace(IN_PAGE, "in_page = [\"create\"]")
    .replace(OVER_API, "over_api = []")
    .replace("grace = [\"0\", \"1h\", \"24h\", \"7d\"]\ndefault_grace = \"24h\"\n", "")
        + "\n[[routes]]\nmethod = \"GET\"\npath = \"/v1/domains\"\nscope = \"domains:read\"\n";
    let Definition { warnings, .. } = Definition::parse("odd.toml", &odd).expect("a sound definition");
    insta::assert_snapshot!(warnings.to_string());
    assert_eq!(Definition::load(None).expect("the built-in definition").warnings.count(), 0);
}

#[test]
fn prefixes_that_begin_alike_are_found() {
    let definition = Definition::load(None).expect("the built-in definition");
    let others = ["kd_", "kd_live_", "k_", "kdx_"].map(|prefix| (prefix.to_owned(), "in other.toml".to_owned()));
    let report = definition.beside(&others).to_string();
    for sentence in [
        "Secrets begin with kd_test_, and with kd_ in other.toml",
        "Secrets begin with kd_live_, and with kd_ in other.toml",
        "Secrets begin with kd_live_, and with kd_live_ in other.toml",
    ] {
        assert!(report.contains(sentence), "{report}");
    }
    assert_eq!(report.matches("warning: ").count(), 3, "{report}");
}
