//! What becomes of texts.

use expect_test::{Expect, expect};

use super::super::EXECUTABLE;
use super::*;

mod styles;

fn environment(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("s3cret".to_owned()),
        "NAME" => Some("named".to_owned()),
        "PORT" => Some("8000".to_owned()),
        _ => None,
    }
}

fn edited(text: &str, edit: &Edit) -> Result<String, String> {
    apply(text, edit, &environment).map_err(|reason| reason.to_string())
}

fn allow(origin: &str) -> Edit {
    Edit::AllowOrigin { route: "3000/listener0/route0".to_owned(), origin: origin.to_owned() }
}

const BACKEND: &str = "3000/listener0/route0/0";
const PAGE: &str = "http://localhost:15000";

fn spec(json: &str) -> TargetSpec {
    serde_json::from_str(json).expect("a target")
}

fn add(json: &str) -> Edit {
    Edit::AddTarget { backend: BACKEND.to_owned(), target: spec(json) }
}

fn replace(name: &str, json: &str) -> Edit {
    Edit::ReplaceTarget { backend: BACKEND.to_owned(), name: name.to_owned(), target: spec(json) }
}

fn remove(name: &str) -> Edit {
    Edit::RemoveTarget { backend: BACKEND.to_owned(), name: name.to_owned() }
}

/// What an edit makes of a text: the lines that it takes out and puts in, with one around each.
fn check(text: &str, edit: &Edit, expected: Expect) {
    let shown = match edited(text, edit) {
        Ok(edited) => {
            let diff = similar::TextDiff::from_lines(text, &edited);
            diff.unified_diff().context_radius(1).to_string()
        }
        Err(reason) => reason,
    };
    let shown = shown.replace('\r', "␍");
    // An empty line has no space in front of it, so that no editor removes it here.
    expected.assert_eq(&shown.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n"));
}

const SHORT: &str = r#"# All of our servers.
mcp:
  port: 3000   # the usual one

  # Ask before you add one.
  targets:
  - name: time   # tells it
    stdio:
      cmd: uvx
      args: ["mcp-server-time"]
      # env: {TZ: UTC}
  # Remote ones.
  - name: 'search'
    mcp: {host: "https://${HOST:-mcp.example.com}"}

# The end.
"#;

const LONG: &str = r#"binds:
- port: 3000
  listeners:
  - routes:
    - policies:
        cors:
          allowOrigins: ["https://a.example"]  # ours
          exposeHeaders: ["Mcp-Session-Id"]
      backends:
      - mcp:
          targets:
          - name: time
            stdio:
              cmd: uvx
              args: ["mcp-server-time"]
"#;

const JSON: &str = r#"{
  "mcp": {
    "port": 3000,
    "targets": [
      {"name": "time", "stdio": {"cmd": "uvx", "args": ["mcp-server-time"]}}
    ]
  }
}
"#;

const ONE_LINE: &str = "mcp: {targets: [{name: a, stdio: {cmd: b}}]}";

#[test]
fn an_origin_is_allowed() {
    check(
        SHORT,
        &allow(PAGE),
        expect![[r#"
            @@ -3,2 +3,5 @@
               port: 3000   # the usual one
            +  policies:
            +    cors:
            +      allowOrigins: ["http://localhost:15000"]
 
        "#]],
    );
    check(
        LONG,
        &allow(PAGE),
        expect![[r#"
        @@ -6,3 +6,3 @@
                 cors:
        -          allowOrigins: ["https://a.example"]  # ours
        +          allowOrigins: ["https://a.example", "http://localhost:15000"]  # ours
                   exposeHeaders: ["Mcp-Session-Id"]
    "#]],
    );
    check(
        JSON,
        &allow(PAGE),
        expect![[r#"
        @@ -3,2 +3,3 @@
             "port": 3000,
        +    "policies": {"cors": {"allowOrigins": ["http://localhost:15000"]}},
             "targets": [
    "#]],
    );
    check(
        ONE_LINE,
        &allow(PAGE),
        expect![[r#"
        @@ -1 +1 @@
        -mcp: {targets: [{name: a, stdio: {cmd: b}}]}
        \ No newline at end of file
        +mcp: {policies: {cors: {allowOrigins: ["http://localhost:15000"]}}, targets: [{name: a, stdio: {cmd: b}}]}
        \ No newline at end of file
    "#]],
    );
    check(
        &SHORT.replace('\n', "\r\n"),
        &allow(PAGE),
        expect![[r#"
        @@ -3,2 +3,5 @@
           port: 3000   # the usual one␍
        +  policies:␍
        +    cors:␍
        +      allowOrigins: ["http://localhost:15000"]␍
         ␍
    "#]],
    );
}

#[test]
fn an_origin_that_is_allowed_already_changes_nothing() {
    for origins in [r#"["*"]"#, "[http://localhost:15000]", r#"["http://LOCALHOST:15000"]"#] {
        let text = LONG.replace(r#"["https://a.example"]"#, origins);
        assert_eq!(edited(&text, &allow(PAGE)), Ok(text));
    }
    let text = LONG.replace("a.example", "*.example");
    assert_eq!(edited(&text, &allow("https://b.example")), Ok(text));
}

#[test]
fn a_route_without_a_policy_gets_one_in_front_of_its_backends() {
    let route = |keys: &str| {
        format!(
            "binds:\n- port: 3000\n  listeners:\n  - routes:\n    - {keys}\n      backends:\n      - mcp:\n          targets: [{{name: a, stdio: {{cmd: b}}}}]\n"
        )
    };
    check(
        &route("# Everything.\n     "),
        &allow(PAGE),
        expect![[r#"
        @@ -6,2 +6,5 @@
      
        +      policies:
        +        cors:
        +          allowOrigins: ["http://localhost:15000"]
               backends:
    "#]],
    );
    check(
        &route("name: route0\n      # All of them.\n      matches: []\n      # The one."),
        &allow(PAGE),
        expect![[r#"
            @@ -7,2 +7,5 @@
                   matches: []
            +      policies:
            +        cors:
            +          allowOrigins: ["http://localhost:15000"]
                   # The one.
        "#]],
    );
    check(
        &route("policies:\n      # cors:\n      #   allowOrigins: []"),
        &allow(PAGE),
        expect![[r#"
            @@ -5,2 +5,4 @@
                 - policies:
            +        cors:
            +          allowOrigins: ["http://localhost:15000"]
                   # cors:
        "#]],
    );
    check(
        &route("policies: # none"),
        &allow(PAGE),
        expect![[r#"
            @@ -5,2 +5,4 @@
                 - policies: # none
            +        cors:
            +          allowOrigins: ["http://localhost:15000"]
                   backends:
        "#]],
    );
    check(
        &route("policies: {}"),
        &allow(PAGE),
        expect![[r#"
        @@ -4,3 +4,3 @@
           - routes:
        -    - policies: {}
        +    - policies: {cors: {allowOrigins: ["http://localhost:15000"]}}
               backends:
    "#]],
    );
    check(
        &route("policies: ~ # none"),
        &allow(PAGE),
        expect![[r#"
        @@ -4,3 +4,3 @@
           - routes:
        -    - policies: ~ # none
        +    - policies: {cors: {allowOrigins: ["http://localhost:15000"]}} # none
               backends:
    "#]],
    );
    check(
        &route("policies:\n        cors:"),
        &allow(PAGE),
        expect![[r#"
        @@ -6,2 +6,3 @@
                 cors:
        +          allowOrigins: ["http://localhost:15000"]
               backends:
    "#]],
    );
}

#[test]
fn comments_above_a_key_stay_above_it() {
    check(
        "mcp:\n  # The servers.\n  # Ask first.\n  targets:\n  - {name: a, stdio: {cmd: b}}\n",
        &allow(PAGE),
        expect![[r#"
            @@ -1,2 +1,5 @@
             mcp:
            +  policies:
            +    cors:
            +      allowOrigins: ["http://localhost:15000"]
               # The servers.
        "#]],
    );
    check(
        "mcp: {\n  # The servers.\n  targets: [{name: a, stdio: {cmd: b}}]\n}\n",
        &allow(PAGE),
        expect![[r#"
            @@ -1,2 +1,3 @@
             mcp: {
            +  policies: {cors: {allowOrigins: ["http://localhost:15000"]}},
               # The servers.
        "#]],
    );
}

#[test]
fn an_edit_is_not_believed_but_proven() {
    let tree = |text: &str| yaml::parse(text, &mut Vec::new()).expect("a tree");
    assert!(proves(SHORT, tree(SHORT), &environment));
    assert!(!proves(SHORT, tree(LONG), &environment));
    assert!(!proves(SHORT, tree(&SHORT.replace("uvx", "npx")), &environment));
    // The same meaning in other words is not the same.
    assert!(!proves(&SHORT.replace("uvx", "${UNSET:-uvx}"), tree(SHORT), &environment));
    assert!(!proves("mcp: [", tree(SHORT), &environment));
}

#[test]
fn whatever_loads_can_be_edited() {
    let examples = ["load-balancing", "multiplex", "remote", "short", "tls"].map(|name| {
        let file = format!("{}/../../examples/{name}/config.yaml", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(file).expect("an example")
    });
    let full = include_str!("../tests/full.yaml").to_owned();
    for text in examples.into_iter().chain([full, include_str!("../default.yaml").to_owned()]) {
        let environment = |name: &str| match name {
            EXECUTABLE => Some("/agentgateway".to_owned()),
            _ => environment(name),
        };
        let config = understand(&text, &environment, &mut Vec::new()).expect("valid");
        for backend in config
            .binds
            .iter()
            .flat_map(|bind| &bind.listeners)
            .flat_map(|l| &l.routes)
            .flat_map(|r| &r.backends)
        {
            let (route, _) = backend.key.rsplit_once('/').expect("a key");
            let allow = Edit::AllowOrigin { route: route.to_owned(), origin: PAGE.to_owned() };
            apply(&text, &allow, &environment).expect("an edit");
            let target = spec(r#"{"name": "new", "stdio": {"cmd": "c"}}"#);
            let add = Edit::AddTarget { backend: backend.key.clone(), target };
            let added = apply(&text, &add, &environment).expect("an edit");
            for target in &backend.targets {
                let remove = Edit::RemoveTarget { backend: backend.key.clone(), name: target.name.clone() };
                apply(&added, &remove, &environment).expect("an edit");
            }
        }
    }
}

#[test]
fn origins_are_added_in_the_style_of_the_list() {
    let list = |list: &str| LONG.replace(r#" ["https://a.example"]  # ours"#, list);
    check(
        &list("\n          - https://a.example"),
        &allow(PAGE),
        expect![[r#"
        @@ -8,2 +8,3 @@
                   - https://a.example
        +          - http://localhost:15000
                   exposeHeaders: ["Mcp-Session-Id"]
    "#]],
    );
    check(
        &list("\n            -   'https://a.example'   # ours\n            # - https://b.example"),
        &allow(PAGE),
        expect![[r#"
            @@ -8,2 +8,3 @@
                         -   'https://a.example'   # ours
            +            -   'http://localhost:15000'
                         # - https://b.example
        "#]],
    );
    check(
        &list(" [\n            https://a.example, # ours\n          ]"),
        &allow(PAGE),
        expect![[r#"
        @@ -8,2 +8,3 @@
                     https://a.example, # ours
        +            "http://localhost:15000",
                   ]
    "#]],
    );
    check(
        &list(" [\n            https://a.example # ours\n          ]"),
        &allow(PAGE),
        expect![[r#"
        @@ -7,3 +7,4 @@
                   allowOrigins: [
        -            https://a.example # ours
        +            https://a.example, # ours
        +            "http://localhost:15000"
                   ]
    "#]],
    );
    check(
        &list(" [ 'https://a.example', ]"),
        &allow(PAGE),
        expect![[r#"
        @@ -6,3 +6,3 @@
                 cors:
        -          allowOrigins: [ 'https://a.example', ]
        +          allowOrigins: [ 'https://a.example', 'http://localhost:15000', ]
                   exposeHeaders: ["Mcp-Session-Id"]
    "#]],
    );
}

#[test]
fn a_target_is_added_as_the_others_are_written() {
    let new = r#"{"name": "new", "stdio": {"cmd": "npx", "args": ["-y", "@scope/server", "8080", "${HOME}"], "env": {"B": "1", "A": "$TOKEN"}}}"#;
    check(
        SHORT,
        &add(new),
        expect![[r#"
            @@ -14,2 +14,9 @@
                 mcp: {host: "https://${HOST:-mcp.example.com}"}
            +  - name: new
            +    stdio:
            +      cmd: npx
            +      args: ["-y", "@scope/server", "8080", "${HOME}"]
            +      env:
            +        B: "1"
            +        A: $TOKEN
 
        "#]],
    );
    check(
        LONG,
        &add(new),
        expect![[r#"
        @@ -15 +15,8 @@
                       args: ["mcp-server-time"]
        +          - name: new
        +            stdio:
        +              cmd: npx
        +              args: ["-y", "@scope/server", "8080", "${HOME}"]
        +              env:
        +                B: "1"
        +                A: $TOKEN
    "#]],
    );
    check(
        JSON,
        &add(new),
        expect![[r#"
        @@ -4,3 +4,4 @@
             "targets": [
        -      {"name": "time", "stdio": {"cmd": "uvx", "args": ["mcp-server-time"]}}
        +      {"name": "time", "stdio": {"cmd": "uvx", "args": ["mcp-server-time"]}},
        +      {"name": "new", "stdio": {"cmd": "npx", "args": ["-y", "@scope/server", "8080", "${HOME}"], "env": {"B": "1", "A": "$TOKEN"}}}
             ]
    "#]],
    );
    check(
        ONE_LINE,
        &add(r#"{"name": "new", "sse": {"host": "http://localhost:8090/sse"}}"#),
        expect![[r#"
        @@ -1 +1 @@
        -mcp: {targets: [{name: a, stdio: {cmd: b}}]}
        \ No newline at end of file
        +mcp: {targets: [{name: a, stdio: {cmd: b}}, {name: new, sse: {host: "http://localhost:8090/sse"}}]}
        \ No newline at end of file
    "#]],
    );
    check(
        "mcp:\n    targets:\n      -   name: a\n          stdio:\n              cmd: 'b'\n              args:\n                  - '-c'",
        &add(new),
        expect![[r#"
            @@ -6,2 +6,13 @@
                           args:
            -                  - '-c'
            \ No newline at end of file
            +                  - '-c'
            +      -   name: new
            +          stdio:
            +              cmd: npx
            +              args:
            +                  -   '-y'
            +                  -   '@scope/server'
            +                  -   '8080'
            +                  -   ${HOME}
            +              env:
            +                  B: '1'
            +                  A: $TOKEN
            \ No newline at end of file
        "#]],
    );
    check(
        "mcp:\n  targets:\n  - { name: a, stdio: { cmd: b } }\n",
        &add(r#"{"name": "new", "mcp": {"host": "localhost", "port": 80, "path": "/mcp"}}"#),
        expect![[r#"
            @@ -3 +3,2 @@
               - { name: a, stdio: { cmd: b } }
            +  - { name: new, mcp: { host: localhost, port: 80, path: /mcp } }
        "#]],
    );
    check(
        "mcp:\r\n  targets:\r\n  - name: a\r\n    stdio:\r\n      cmd: b\r\n",
        &add(new),
        expect![[r#"
        @@ -5 +5,8 @@
               cmd: b␍
        +  - name: new␍
        +    stdio:␍
        +      cmd: npx␍
        +      args: ["-y", "@scope/server", "8080", "${HOME}"]␍
        +      env:␍
        +        B: "1"␍
        +        A: $TOKEN␍
    "#]],
    );
}

#[test]
fn texts_are_quoted_where_yaml_needs_it() {
    let args: Vec<&str> = "plain /tmp a.b x=y a:b http://h:1/x?y $VAR ${VAR} --flag @scope 1.10 0x10 yes null ~ # *a &a ! % a: a#b"
        .split(' ')
        .chain(["", " ", "a b", "a # b", "a: b", "a, b", "{a}", "[a]", "\"", "'", "\\", "é", "\n", "\u{0}", "\u{2028}", "\u{feff}", "🦀"])
        .collect();
    let target = TargetSpec {
        name: "new".to_owned(),
        stdio: Some(StdioSpec {
            cmd: "c".to_owned(),
            args: Some(args.iter().map(|arg| (*arg).to_owned()).collect()),
            env: None,
            clear_env: None,
            cwd: None,
        }),
        mcp: None,
        sse: None,
    };
    let edit = Edit::AddTarget { backend: BACKEND.to_owned(), target };
    // That each text can be read again is part of every edit.
    let json = edited(JSON, &edit).expect("an edit");
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON stays JSON");
    check(
        "mcp:\n  targets:\n  - name: a\n    stdio:\n      cmd: b\n      args:\n      - c\n",
        &edit,
        expect![[r##"
        @@ -7 +7,44 @@
               - c
        +  - name: new
        +    stdio:
        +      cmd: c
        +      args:
        +      - plain
        +      - /tmp
        +      - a.b
        +      - x=y
        +      - a:b
        +      - http://h:1/x?y
        +      - $VAR
        +      - ${VAR}
        +      - "--flag"
        +      - "@scope"
        +      - "1.10"
        +      - "0x10"
        +      - "yes"
        +      - "null"
        +      - "~"
        +      - "#"
        +      - "*a"
        +      - "&a"
        +      - "!"
        +      - "%"
        +      - "a:"
        +      - "a#b"
        +      - ""
        +      - " "
        +      - a b
        +      - "a # b"
        +      - "a: b"
        +      - a, b
        +      - "{a}"
        +      - "[a]"
        +      - "\""
        +      - "'"
        +      - "\\"
        +      - é
        +      - "\n"
        +      - "\u0000"
        +      - "\u2028"
        +      - "\uFEFF"
        +      - "🦀"
    "##]],
    );
    check(
        ONE_LINE,
        &edit,
        expect![[r##"
        @@ -1 +1 @@
        -mcp: {targets: [{name: a, stdio: {cmd: b}}]}
        \ No newline at end of file
        +mcp: {targets: [{name: a, stdio: {cmd: b}}, {name: new, stdio: {cmd: c, args: [plain, /tmp, a.b, x=y, "a:b", "http://h:1/x?y", $VAR, "${VAR}", "--flag", "@scope", "1.10", "0x10", "yes", "null", "~", "#", "*a", "&a", "!", "%", "a:", "a#b", "", " ", "a b", "a # b", "a: b", "a, b", "{a}", "[a]", "\"", "'", "\\", é, "\n", "\u0000", "\u2028", "\uFEFF", "🦀"]}}]}
        \ No newline at end of file
    "##]],
    );
}

#[test]
fn only_what_differs_of_a_target_is_written_anew() {
    let full = "mcp:\n  targets:\n  - name: a   # the first\n    stdio:\n      cmd: b   # found in PATH\n      args: [one, 'two', \"three\"] # three\n      env:\n        # secret\n        TOKEN: $TOKEN\n        MODE: '0644'\n      cwd: /tmp\n  # the second\n  - name: c\n    stdio: {cmd: d}\n";
    let same = r#"{"name": "a", "stdio": {"cmd": "b", "args": ["one", "two", "three"], "env": {"TOKEN": "$TOKEN", "MODE": "0644"}, "cwd": "/tmp"}}"#;
    assert_eq!(edited(full, &replace("a", same)).as_deref(), Ok(full));
    check(
        full,
        &replace("a", &same.replace("\"b\"", "\"other\"")),
        expect![[r#"
        @@ -4,3 +4,3 @@
             stdio:
        -      cmd: b   # found in PATH
        +      cmd: other   # found in PATH
               args: [one, 'two', "three"] # three
    "#]],
    );
    check(
        full,
        &replace("a", &same.replace("\"two\"", "\"zwei\", \"drei\"")),
        expect![[r#"
        @@ -5,3 +5,3 @@
               cmd: b   # found in PATH
        -      args: [one, 'two', "three"] # three
        +      args: [one, 'zwei', drei, "three"] # three
               env:
    "#]],
    );
    check(
        full,
        &replace("a", &same.replace("\"one\", ", "")),
        expect![[r#"
        @@ -5,3 +5,3 @@
               cmd: b   # found in PATH
        -      args: [one, 'two', "three"] # three
        +      args: ['two', "three"] # three
               env:
    "#]],
    );
    check(
        full,
        &replace("a", &same.replace(", \"MODE\": \"0644\"", "")),
        expect![[r#"
        @@ -9,3 +9,2 @@
                 TOKEN: $TOKEN
        -        MODE: '0644'
               cwd: /tmp
    "#]],
    );
    check(
        full,
        &replace("a", &same.replace("\"MODE\": \"0644\"", "\"MODE\": \"0600\", \"NEW\": \"x y\"")),
        expect![[r#"
        @@ -9,3 +9,4 @@
                 TOKEN: $TOKEN
        -        MODE: '0644'
        +        MODE: '0600'
        +        NEW: x y
               cwd: /tmp
    "#]],
    );
    check(
        full,
        &replace("a", &same.replace(", \"cwd\": \"/tmp\"", ", \"clear_env\": true")),
        expect![[r#"
        @@ -10,3 +10,3 @@
                 MODE: '0644'
        -      cwd: /tmp
        +      clear_env: true
           # the second
    "#]],
    );
    check(
        full,
        &replace("a", &same.replace("\"TOKEN\": \"$TOKEN\", \"MODE\": \"0644\"", "")),
        expect![[r#"
        @@ -6,6 +6,3 @@
               args: [one, 'two', "three"] # three
        -      env:
        -        # secret
        -        TOKEN: $TOKEN
        -        MODE: '0644'
        +      env: {}
               cwd: /tmp
    "#]],
    );
    check(
        full,
        &replace("a", r#"{"name": "a", "stdio": {"cmd": "b"}}"#),
        expect![[r#"
        @@ -5,8 +5,2 @@
               cmd: b   # found in PATH
        -      args: [one, 'two', "three"] # three
        -      env:
        -        # secret
        -        TOKEN: $TOKEN
        -        MODE: '0644'
        -      cwd: /tmp
           # the second
    "#]],
    );
    check(
        full,
        &replace("c", r#"{"name": "renamed", "mcp": {"host": "https://example.com"}}"#),
        expect![[r#"
        @@ -12,3 +12,3 @@
           # the second
        -  - name: c
        -    stdio: {cmd: d}
        +  - name: renamed
        +    mcp: {host: 'https://example.com'}
    "#]],
    );
    check(
        full,
        &replace("a", r#"{"name": "a", "mcp": {"host": "https://example.com"}}"#),
        expect![[r#"
        @@ -3,10 +3,4 @@
           - name: a   # the first
        -    stdio:
        -      cmd: b   # found in PATH
        -      args: [one, 'two', "three"] # three
        -      env:
        -        # secret
        -        TOKEN: $TOKEN
        -        MODE: '0644'
        -      cwd: /tmp
        +    mcp:
        +      host: https://example.com
           # the second
    "#]],
    );
}

#[test]
fn keys_that_say_nothing_stay() {
    let text = "mcp:\n  targets:\n  - name: a\n    stdio:\n      cmd: b\n      env: # later\n      args:\n";
    check(
        text,
        &replace("a", r#"{"name": "a", "stdio": {"cmd": "c", "args": ["d"]}}"#),
        expect![[r#"
        @@ -4,4 +4,4 @@
             stdio:
        -      cmd: b
        +      cmd: c
               env: # later
        -      args:
        +      args: [d]
    "#]],
    );
    // An empty short form is none, so the bind is the one that is meant.
    let text = format!("mcp:\n{LONG}");
    assert_eq!(target(&text, BACKEND, "time", &environment).map(|spec| spec.name), Ok("time".to_owned()));
}

#[test]
fn a_target_is_removed_with_what_is_inside_of_it() {
    check(
        SHORT,
        &remove("time"),
        expect![[r#"
        @@ -6,7 +6,2 @@
           targets:
        -  - name: time   # tells it
        -    stdio:
        -      cmd: uvx
        -      args: ["mcp-server-time"]
        -      # env: {TZ: UTC}
           # Remote ones.
    "#]],
    );
    check(
        SHORT,
        &remove("search"),
        expect![[r#"
            @@ -12,4 +12,2 @@
               # Remote ones.
            -  - name: 'search'
            -    mcp: {host: "https://${HOST:-mcp.example.com}"}
 
        "#]],
    );
    check(
        LONG,
        &remove("time"),
        expect!["`time` is the only target of its backend, and a backend needs one: add another one first"],
    );
    check(
        "mcp: {targets: [{name: a, stdio: {cmd: b}}, {name: b, stdio: {cmd: b}}]}",
        &remove("a"),
        expect![[r#"
        @@ -1 +1 @@
        -mcp: {targets: [{name: a, stdio: {cmd: b}}, {name: b, stdio: {cmd: b}}]}
        \ No newline at end of file
        +mcp: {targets: [{name: b, stdio: {cmd: b}}]}
        \ No newline at end of file
    "#]],
    );
    check(
        "mcp: {targets: [{name: a, stdio: {cmd: b}}, {name: b, stdio: {cmd: b}}]}",
        &remove("b"),
        expect![[r#"
        @@ -1 +1 @@
        -mcp: {targets: [{name: a, stdio: {cmd: b}}, {name: b, stdio: {cmd: b}}]}
        \ No newline at end of file
        +mcp: {targets: [{name: a, stdio: {cmd: b}}]}
        \ No newline at end of file
    "#]],
    );
}

#[test]
fn names_and_keys_may_come_from_variables() {
    let text = "binds:\n- port: 3000\n  listeners:\n  - name: $NAME\n    routes:\n    - name: r\n      backends:\n      - mcp:\n          targets:\n          - name: x-$NAME\n            stdio: {cmd: $TOKEN, args: [$TOKEN, '${X:-y}'], clear_env: $CLEAR}\n          - name: b\n            mcp: {host: h, port: $PORT, path: /}\n"
        .replace(", clear_env: $CLEAR", "");
    let backend = "3000/named/r/0".to_owned();
    let spec = target(&text, &backend, "x-named", &environment).expect("a target");
    expect![[r#"{"name":"x-$NAME","stdio":{"cmd":"$TOKEN","args":["$TOKEN","${X:-y}"]}}"#]]
        .assert_eq(&serde_json::to_string(&spec).expect("JSON"));
    let spec = target(&text, &backend, "b", &environment).expect("a target");
    expect![[r#"{"name":"b","mcp":{"host":"h","port":"$PORT","path":"/"}}"#]]
        .assert_eq(&serde_json::to_string(&spec).expect("JSON"));
    let edit = Edit::ReplaceTarget { backend: backend.clone(), name: "b".to_owned(), target: spec };
    assert_eq!(edited(&text, &edit).as_deref(), Ok(text.as_str()));
    check(
        &text,
        &Edit::RemoveTarget { backend, name: "x-named".to_owned() },
        expect![[r#"
        @@ -9,4 +9,2 @@
                   targets:
        -          - name: x-$NAME
        -            stdio: {cmd: $TOKEN, args: [$TOKEN, '${X:-y}']}
                   - name: b
    "#]],
    );
}

#[test]
fn what_repeats_something_else_is_left_to_people() {
    let text = "binds:\n- port: 3000\n  listeners:\n  - routes:\n    - policies: &open\n        cors: {allowOrigins: [https://a.example]}\n      backends:\n      - mcp: &mcp\n          targets: &targets\n          - &a\n            name: a\n            stdio: {cmd: b}\n    - policies: *open\n      backends:\n      - mcp: {targets: *targets}\n    - policies: {<<: *open}\n      backends:\n      - mcp: {<<: *mcp}\n";
    let route = |index: usize| Edit::AllowOrigin {
        route: format!("3000/listener0/route{index}"),
        origin: PAGE.to_owned(),
    };
    let add = |index: usize| Edit::AddTarget {
        backend: format!("3000/listener0/route{index}/0"),
        target: spec(r#"{"name": "n", "stdio": {"cmd": "c"}}"#),
    };
    check(
        text,
        &route(0),
        expect![[
            r#"the file has to be edited by hand, because `binds[0].listeners[0].routes[1].policies` repeats it with an alias (`*…`), and would change as well: add "http://localhost:15000" to `binds[0].listeners[0].routes[0].policies.cors.allowOrigins`"#
        ]],
    );
    check(
        text,
        &route(1),
        expect![[
            r#"the file has to be edited by hand, because `binds[0].listeners[0].routes[1].policies` is written with an alias (`*…`): add "http://localhost:15000" to `binds[0].listeners[0].routes[1].policies.cors.allowOrigins`"#
        ]],
    );
    check(
        text,
        &route(2),
        expect![[
            r#"the file has to be edited by hand, because `binds[0].listeners[0].routes[2].policies.cors` comes from a merge (`<<`): add "http://localhost:15000" to `binds[0].listeners[0].routes[2].policies.cors.allowOrigins`"#
        ]],
    );
    check(
        text,
        &add(0),
        expect![[r#"
            the file has to be edited by hand, because `binds[0].listeners[0].routes[1].backends[0].mcp.targets` repeats it with an alias (`*…`), and would change as well: add this to `binds[0].listeners[0].routes[0].backends[0].mcp.targets`

            - name: "n"
              stdio:
                cmd: c"#]],
    );
    check(
        text,
        &add(1),
        expect![[r#"
        the file has to be edited by hand, because `binds[0].listeners[0].routes[1].backends[0].mcp.targets` is written with an alias (`*…`): add this to `binds[0].listeners[0].routes[1].backends[0].mcp.targets`

        - name: "n"
          stdio:
            cmd: c"#]],
    );
    check(
        text,
        &add(2),
        expect![[r#"
        the file has to be edited by hand, because `binds[0].listeners[0].routes[2].backends[0].mcp.targets` comes from a merge (`<<`): add this to `binds[0].listeners[0].routes[2].backends[0].mcp.targets`

        - name: "n"
          stdio:
            cmd: c"#]],
    );
}

#[test]
fn edits_that_make_no_sense_are_refused() {
    check(
        SHORT,
        &allow("*"),
        expect!["`*` is not the origin of a page; one looks like `https://example.com`"],
    );
    check(
        SHORT,
        &allow("null"),
        expect!["`null` is not the origin of a page; one looks like `https://example.com`"],
    );
    check(
        SHORT,
        &allow("https://*.example"),
        expect!["`https://*.example` is not the origin of a page; one looks like `https://example.com`"],
    );
    check(
        SHORT,
        &allow("https://a.example/path"),
        expect!["`https://a.example/path` is not the origin of a page; one looks like `https://example.com`"],
    );
    check(
        SHORT,
        &Edit::AllowOrigin { route: "1/a/b".to_owned(), origin: PAGE.to_owned() },
        expect!["the file has no route with the key `1/a/b`; it may have been changed"],
    );
    check(
        SHORT,
        &Edit::RemoveTarget { backend: "1/a/b/0".to_owned(), name: "time".to_owned() },
        expect!["the file has no backend with the key `1/a/b/0`; it may have been changed"],
    );
    check(
        SHORT,
        &remove("other"),
        expect!["this backend has no target `other` in the file; it may have been changed"],
    );
    check(
        LONG,
        &remove("time"),
        expect!["`time` is the only target of its backend, and a backend needs one: add another one first"],
    );
    check(
        "mcp: {}",
        &allow(PAGE),
        expect!["the configuration has faults; it can be edited here again when they are mended"],
    );
}

#[test]
fn a_byte_order_mark_stays() {
    let text = format!("\u{feff}{SHORT}");
    let edited = edited(&text, &allow(PAGE)).expect("an edit");
    assert!(edited.starts_with("\u{feff}# All of our servers.\n"), "{edited:?}");
}

#[test]
fn names_are_left_to_the_usual_check() {
    let edited = edited(SHORT, &add(r#"{"name": "my_time", "stdio": {"cmd": "c"}}"#)).expect("an edit");
    assert!(edited.contains("- name: my_time"));
}

#[test]
fn edits_are_read_from_json() {
    let read = |json: &str| serde_json::from_str::<Edit>(json).map_err(|error| error.to_string());
    assert_eq!(
        read(
            r#"{"kind": "allowOrigin", "route": "3000/listener0/route0", "origin": "http://localhost:15000"}"#
        ),
        Ok(allow(PAGE))
    );
    assert_eq!(
        read(r#"{"kind": "removeTarget", "backend": "3000/listener0/route0/0", "name": "a"}"#),
        Ok(remove("a"))
    );
    let unknown =
        r#"{"kind": "addTarget", "backend": "b", "target": {"name": "a", "stdio": {"cmd": "b", "arg": []}}}"#;
    expect!["unknown field `arg`, expected one of `cmd`, `args`, `env`, `clear_env`, `cwd`"]
        .assert_eq(&read(unknown).expect_err("unknown key"));
}

#[test]
fn what_the_form_says_nothing_about_stays() {
    let text = "mcp:\n  targets:\n  - name: time\n    timeouts: {call: 1m} # slow\n    stdio: {cmd: b}\n    sharing: shared\n";
    check(
        text,
        &Edit::ReplaceTarget {
            backend: "3000/listener0/route0/0".to_owned(),
            name: "time".to_owned(),
            target: spec(r#"{"name": "clock", "mcp": {"host": "https://example.com/mcp"}}"#),
        },
        expect![[r#"
            @@ -2,5 +2,5 @@
               targets:
            -  - name: time
            +  - name: clock
            +    mcp: {host: "https://example.com/mcp"}
                 timeouts: {call: 1m} # slow
            -    stdio: {cmd: b}
                 sharing: shared
        "#]],
    );
}
