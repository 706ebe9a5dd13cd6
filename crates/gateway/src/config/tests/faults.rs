//! Every kind of fault, and how it reads.

use super::*;

/// A bind with this as its listeners.
fn with_listeners(listeners: &str) -> String {
    format!("binds:\n- port: 1\n  listeners:\n{listeners}")
}

const ROUTES: &str = "routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]";

/// A route with more keys.
fn with_route(keys: &str) -> String {
    with_listeners(&format!(
        "  - routes:\n    - backends: [{{mcp: {{targets: [{{name: a, stdio: {{cmd: b}}}}]}}}}]\n{keys}"
    ))
}

#[test]
fn several_at_once_in_the_order_of_the_file() {
    check(
        r#"
config:
  adminAddr: nowhere
  loging: {level: info}
binds:
- port: 3000
  listeners:
  - hostnam: example.com
    routes:
    - backends:
      - mcp:
          prefixMode: allways
          targets:
          - name: my_server
            stdio: {cmd: x, arg: [y]}
          - name: everything
            stdio: {comand: x}
"#,
        expect![[r#"
            <inline>:4:3: config: unknown key `loging`; did you mean `logging`?
              |
            4 |   loging: {level: info}
              |   ^
            <inline>:8:5: binds[0].listeners[0]: unknown key `hostnam`; did you mean `hostname`?
              |
            8 |   - hostnam: example.com
              |     ^
            <inline>:12:23: binds[0].listeners[0].routes[0].backends[0].mcp.prefixMode: expected one of `conditional`, `always` or `never`, found `allways`; did you mean `always`?
               |
            12 |           prefixMode: allways
               |                       ^
            <inline>:15:29: binds[0].listeners[0].routes[0].backends[0].mcp.targets[0].stdio: unknown key `arg`; did you mean `args`?
               |
            15 |             stdio: {cmd: x, arg: [y]}
               |                             ^
            <inline>:17:21: binds[0].listeners[0].routes[0].backends[0].mcp.targets[1].stdio: unknown key `comand`; did you mean `cmd`?
               |
            17 |             stdio: {comand: x}
               |                     ^
            5 faults in <inline>"#]],
    );
}

#[test]
fn faults_of_meaning_are_reported_next_to_faults_of_form() {
    check(
        r#"
mcp:
  port: 15000
  prot: 3000
  policies:
    cors: {allowOrigins: ["https://example.com/"], maxAge: soon}
  targets:
  - name: a
    stdoi: {cmd: x}
  - name: b_c
    stdio: {cmd: x}
    mcp: {host: http://x, prot: 80}
  - name: d
    mcp: {host: $UNDEFINED}
    sse: {host: x}
  - name: e
    stdio: {cmd: x, args: [$UNDEFINED, y], cwd: ''}
"#,
        expect![[r#"
            <inline>:3:9: mcp.port: the port 15000 is already the admin interface's, by default; choose another one, or set `config.adminAddr`
              |
            3 |   port: 15000
              |         ^
            <inline>:4:3: mcp: unknown key `prot`; the keys here are `failureMode`, `names`, `policies`, `port`, `prefixMode`, `statefulMode` and `targets`
              |
            4 |   prot: 3000
              |   ^
            <inline>:6:27: mcp.policies.cors.allowOrigins[0]: `https://example.com/` is not an origin; an origin has no path: write `https://example.com`
              |
            6 |     cors: {allowOrigins: ["https://example.com/"], maxAge: soon}
              |                           ^
            <inline>:6:60: mcp.policies.cors.maxAge: `soon` is not a duration; write a number of seconds, or one with a unit, like `10m`
              |
            6 |     cors: {allowOrigins: ["https://example.com/"], maxAge: soon}
              |                                                            ^
            <inline>:9:5: mcp.targets[0]: unknown key `stdoi`; did you mean `stdio`?
              |
            9 |     stdoi: {cmd: x}
              |     ^
            <inline>:10:11: mcp.targets[1].name: the target name `b_c` holds a `_`, which separates it from the names of its tools (`target_tool`); call it `b-c`
               |
            10 |   - name: b_c
               |           ^
            <inline>:12:27: mcp.targets[1].mcp: unknown key `prot`; did you mean `port`?
               |
            12 |     mcp: {host: http://x, prot: 80}
               |                           ^
            <inline>:14:17: mcp.targets[2].mcp.host: the environment variable `UNDEFINED` is not defined; define it, or write `${UNDEFINED:-default}`; for a dollar sign write `$$`
               |
            14 |     mcp: {host: $UNDEFINED}
               |                 ^
            <inline>:17:28: mcp.targets[3].stdio.args[0]: the environment variable `UNDEFINED` is not defined; define it, or write `${UNDEFINED:-default}`; for a dollar sign write `$$`
               |
            17 |     stdio: {cmd: x, args: [$UNDEFINED, y], cwd: ''}
               |                            ^
            <inline>:17:49: mcp.targets[3].stdio.cwd: the directory is empty; name it, or remove the key
               |
            17 |     stdio: {cmd: x, args: [$UNDEFINED, y], cwd: ''}
               |                                                 ^
            10 faults in <inline>"#]],
    );
}

#[test]
fn side_addresses_and_limits_of_http() {
    check(
        "config:\n  statsAddr: 15020\n  readinessAddr: localhost:15000\n  limits: {requestHead: 1KiB, connections: 0}\nmcp: {targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
            <inline>:2:14: config.statsAddr: `15020` is not an address to listen on; write `host:port`, like `localhost:15020`, or `off`
              |
            2 |   statsAddr: 15020
              |              ^
            <inline>:3:18: config.readinessAddr: the port 15000 is already the admin interface's, by default; choose another one, or set `config.adminAddr`
              |
            3 |   readinessAddr: localhost:15000
              |                  ^
            <inline>:4:25: config.limits.requestHead: `1KiB` is not a limit for the head of a request; write a size from `8KiB` to `1MiB`
              |
            4 |   limits: {requestHead: 1KiB, connections: 0}
              |                         ^
            <inline>:4:44: config.limits.connections: expected a whole number from 1 to 1000000, found `0`
              |
            4 |   limits: {requestHead: 1KiB, connections: 0}
              |                                            ^
            4 faults in <inline>"#]],
    );
    check(
        "config:\n  statsAddr: localhost:7\n  limits: {requestHead: 2MiB}\nmcp: {port: 7, targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
            <inline>:3:25: config.limits.requestHead: `2MiB` is not a limit for the head of a request; write a size from `8KiB` to `1MiB`
              |
            3 |   limits: {requestHead: 2MiB}
              |                         ^
            <inline>:4:13: mcp.port: the port 7 is already the metrics listener's, in line 2; choose another one, or set `config.statsAddr`
              |
            4 | mcp: {port: 7, targets: [{name: a, stdio: {cmd: b}}]}
              |             ^
            2 faults in <inline>"#]],
    );
}

#[test]
fn nothing_at_all() {
    check(
        "",
        expect![[r#"
        <inline>: there is no configuration in it; the smallest one is: `mcp: {targets: [{name: time, stdio: {cmd: uvx, args: [mcp-server-time]}}]}`
        1 fault in <inline>"#]],
    );
    check(
        "# only a comment\n",
        expect![[r#"
        <inline>: there is no configuration in it; the smallest one is: `mcp: {targets: [{name: time, stdio: {cmd: uvx, args: [mcp-server-time]}}]}`
        1 fault in <inline>"#]],
    );
    check(
        "{}",
        expect![[r#"
        <inline>:1:1: nothing is served; add `mcp` with `targets`, or `binds`
          |
        1 | {}
          | ^
        1 fault in <inline>"#]],
    );
    check(
        "config: {}\nbinds:\n",
        expect![[r#"
        <inline>:1:1: nothing is served; add `mcp` with `targets`, or `binds`
          |
        1 | config: {}
          | ^
        1 fault in <inline>"#]],
    );
    check(
        "binds: []",
        expect![[r#"
        <inline>:1:1: nothing is served; add `mcp` with `targets`, or `binds`
          |
        1 | binds: []
          | ^
        1 fault in <inline>"#]],
    );
}

#[test]
fn yaml_that_cannot_be_read() {
    check(
        "mcp:\n\tport: 1\n",
        expect![[r#"
        <inline>:2:2: mcp: this line is indented with a tab; YAML allows only spaces there
          |
        2 |  port: 1
          |  ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  port: 1\n targets: []\n",
        expect![[r#"
        <inline>:3:2: the YAML cannot be read from here on; check that this line is indented like its neighbours
          |
        3 |  targets: []
          |  ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp: {targets: [\n",
        expect![[r#"
        <inline>:1:16: mcp.targets[0]: this `[` is never closed
          |
        1 | mcp: {targets: [
          |                ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp: 'x\n",
        expect![[r#"
            <inline>:2:1: mcp: a text in quotes goes on here, but this line is not indented far enough for it; close the quotes, or indent the line
              |
            2 | 
              | ^
            1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  port: 1: 2\n",
        expect![[r#"
        <inline>:2:10: mcp: the YAML cannot be read from here on: a `key: value` does not fit at this place; check that this line is indented like its neighbours, and write a text that holds `: ` in quotes
          |
        2 |   port: 1: 2
          |          ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  name: @x\n",
        expect![[r#"
        <inline>:2:9: mcp.name: the YAML cannot be read from here on: no text without quotes has '@' here; write it in quotes
          |
        2 |   name: @x
          |         ^
        1 fault in <inline>"#]],
    );
    check(
        "a: *b\n",
        expect![[r#"
        <inline>:1:1: unknown key `a`; the keys here are `binds`, `config` and `mcp`
          |
        1 | a: *b
          | ^
        <inline>:1:4: a: no `&b` stands before the alias `*b`; write the text in quotes if it is not meant as an alias
          |
        1 | a: *b
          |    ^
        2 faults in <inline>"#]],
    );
    check(
        "mcp: &a [*a]\n",
        expect![[r#"
        <inline>:1:10: mcp[0]: this alias stands inside of what it repeats
          |
        1 | mcp: &a [*a]
          |          ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp: {}\n---\nmcp: {}\n",
        expect![[r#"
        <inline>:2:1: a second document starts here, and a configuration is one document; remove the line `---`
          |
        2 | ---
          | ^
        1 fault in <inline>"#]],
    );
    check(
        "? [a]\n: b\n",
        expect![[r#"
        <inline>:1:3: a key has to be plain text; write a value that starts with `{`, `[`, `*` or `&` in quotes
          |
        1 | ? [a]
          |   ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  port: !!int 3\n",
        expect![[r#"
            <inline>:2:3: mcp: the key `targets` is missing (the MCP servers)
              |
            2 |   port: !!int 3
              |   ^
            <inline>:2:15: mcp.port: a YAML tag (`!…`) has no meaning here; remove it, or write the text in quotes
              |
            2 |   port: !!int 3
              |               ^
            2 faults in <inline>"#]],
    );
    check(
        "mcp:\n  <<: 3\n",
        expect![[r#"
        <inline>:2:7: mcp: `<<` merges a mapping into this one, and this is none; name one with an alias: `<<: *name`
          |
        2 |   <<: 3
          |       ^
        1 fault in <inline>"#]],
    );
    check(
        &format!("mcp: {}", "[".repeat(100)),
        expect![[r#"
        <inline>:1:105: mcp[0]: this `[` is never closed
          |
        1 | mcp: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
          |                                                                                                         ^
        1 fault in <inline>"#]],
    );
}

#[test]
fn bombs_do_not_go_off() {
    let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let list = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("b{level}: &a{level} [{list}]\n"));
    }
    let faults = try_load(&text).expect_err("faults").to_string();
    assert!(faults.contains("the file holds more than 200000 values; aliases"), "{faults}");

    let mut text = "a: &a0 [x]\n".to_owned();
    for level in 1..100 {
        text.push_str(&format!("b{level}: &a{level} [*a{}]\n", level - 1));
    }
    let faults = try_load(&text).expect_err("faults").to_string();
    assert!(faults.contains("nested more than 64 levels deep"), "{faults}");

    let text: String = (0..5000).map(|key| format!("k{key}: 1\n")).collect();
    let faults = try_load(&text).expect_err("faults").to_string();
    assert!(faults.contains("more than 4096 keys"), "{faults}");
}

#[test]
fn keys() {
    check(
        "mcp:\n  targets: [{name: a, stdio: {cmd: b}}]\n  port: 1\n  port: 2\n",
        expect![[r#"
        <inline>:4:3: mcp: the key `port` is here twice, first in line 3; remove one of them
          |
        4 |   port: 2
          |   ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  Targets: [{name: a, stdio: {cmd: b}}]\n",
        expect![[r#"
        <inline>:2:3: mcp: unknown key `Targets`; did you mean `targets`?
          |
        2 |   Targets: [{name: a, stdio: {cmd: b}}]
          |   ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  target: [{name: a, stdio: {cmd: b}}]\n",
        expect![[r#"
        <inline>:2:3: mcp: unknown key `target`; did you mean `targets`?
          |
        2 |   target: [{name: a, stdio: {cmd: b}}]
          |   ^
        1 fault in <inline>"#]],
    );
    check(
        &with_targets("  - {name: a, stdio: {cmd: b, clearEnv: true}}"),
        expect![[r#"
        <inline>:3:31: mcp.targets[0].stdio: unknown key `clearEnv`; did you mean `clear_env`?
          |
        3 |   - {name: a, stdio: {cmd: b, clearEnv: true}}
          |                               ^
        1 fault in <inline>"#]],
    );
    check(
        &with_targets("  - {name: a, stdio: {cmd: b, working directory: x}}"),
        expect![[r#"
        <inline>:3:31: mcp.targets[0].stdio: unknown key `working directory`; the keys here are `args`, `clear_env`, `cmd`, `cwd` and `env`
          |
        3 |   - {name: a, stdio: {cmd: b, working directory: x}}
          |                               ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  targets: [{name: a, stdio: {cmd: b}}]\n  cors: {allowOrigins: ['*']}\n",
        expect![[r#"
        <inline>:3:3: mcp: unknown key `cors`; `cors` is a key of `policies`
          |
        3 |   cors: {allowOrigins: ['*']}
          |   ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp:\n  targets: [{name: a, stdio: {cmd: b}}]\n  policies: {jwtAuth: {}}\n",
        expect![[r#"
        <inline>:3:14: mcp.policies: unknown key `jwtAuth`; the only key here is `cors`
          |
        3 |   policies: {jwtAuth: {}}
          |              ^
        1 fault in <inline>"#]],
    );
    check(
        "binds:\n- listeners:\n  - address: 0.0.0.0\n",
        expect![[r#"
            <inline>:2:3: binds[0]: the key `port` is missing (the port to listen on; 0 lets the system choose one)
              |
            2 | - listeners:
              |   ^
            <inline>:3:5: binds[0].listeners[0]: the key `routes` is missing (which requests go to which backends)
              |
            3 |   - address: 0.0.0.0
              |     ^
            2 faults in <inline>"#]],
    );
    check(
        &with_listeners("  - routes: [{backends: [{targets: [{name: a, stdio: {cmd: b}}]}]}]"),
        expect![[r#"
            <inline>:4:27: binds[0].listeners[0].routes[0].backends[0]: unknown key `targets`; `targets` is a key of `mcp`
              |
            4 |   - routes: [{backends: [{targets: [{name: a, stdio: {cmd: b}}]}]}]
              |                           ^
            1 fault in <inline>"#]],
    );
}

#[test]
fn types() {
    check(
        "mcp:\n  port: http\n  targets:\n    name: a\n",
        expect![[r#"
        <inline>:2:9: mcp.port: expected a whole number from 0 to 65535, found `http`
          |
        2 |   port: http
          |         ^
        <inline>:4:5: mcp.targets: expected a list (lines that start with `- `), found a mapping; put `- ` before its first key
          |
        4 |     name: a
          |     ^
        2 faults in <inline>"#]],
    );
    check(
        "mcp: {port: 70000, targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
        <inline>:1:13: mcp.port: expected a whole number from 0 to 65535, found `70000`
          |
        1 | mcp: {port: 70000, targets: [{name: a, stdio: {cmd: b}}]}
          |             ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp: {port: 0x10, targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
        <inline>:1:13: mcp.port: expected a whole number from 0 to 65535, found `0x10`
          |
        1 | mcp: {port: 0x10, targets: [{name: a, stdio: {cmd: b}}]}
          |             ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp: {port: $TOKEN, targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
        <inline>:1:13: mcp.port: expected a whole number from 0 to 65535, found `$TOKEN`
          |
        1 | mcp: {port: $TOKEN, targets: [{name: a, stdio: {cmd: b}}]}
          |             ^
        1 fault in <inline>"#]],
    );
    check(
        "- mcp:\n",
        expect![[r#"
        <inline>:1:1: expected a mapping (lines of `key: value`), found a list; remove the `- `
          |
        1 | - mcp:
          | ^
        1 fault in <inline>"#]],
    );
    check(
        "mcp\n",
        expect![[r#"
        <inline>:1:1: expected a mapping (lines of `key: value`), found `mcp`
          |
        1 | mcp
          | ^
        1 fault in <inline>"#]],
    );
    check(
        &with_targets("  - {name: [a], stdio: {cmd: b, args: c, env: [d], clear_env: yes}}"),
        expect![[r#"
            <inline>:3:12: mcp.targets[0].name: expected a text, found a list
              |
            3 |   - {name: [a], stdio: {cmd: b, args: c, env: [d], clear_env: yes}}
              |            ^
            <inline>:3:39: mcp.targets[0].stdio.args: expected a list (lines that start with `- `), found `c`; for a list of one write `[c]`
              |
            3 |   - {name: [a], stdio: {cmd: b, args: c, env: [d], clear_env: yes}}
              |                                       ^
            <inline>:3:47: mcp.targets[0].stdio.env: expected a mapping (lines of `key: value`), found a list
              |
            3 |   - {name: [a], stdio: {cmd: b, args: c, env: [d], clear_env: yes}}
              |                                               ^
            <inline>:3:63: mcp.targets[0].stdio.clear_env: expected `true` or `false`, found `yes`; write `true`
              |
            3 |   - {name: [a], stdio: {cmd: b, args: c, env: [d], clear_env: yes}}
              |                                                               ^
            4 faults in <inline>"#]],
    );
    check(
        &with_targets("  - name:\n    stdio: {cmd: ~}\n  -\n"),
        expect![[r#"
            <inline>:3:5: mcp.targets[0].name: `name` has no value; add one
              |
            3 |   - name:
              |     ^
            <inline>:4:18: mcp.targets[0].stdio.cmd: expected a text, but in YAML `~` means that nothing is there; write it in quotes if it is meant as text
              |
            4 |     stdio: {cmd: ~}
              |                  ^
            <inline>:5:4: mcp.targets[1]: this entry of the list is empty; fill it in, or remove the `-`
              |
            5 |   -
              |    ^
            3 faults in <inline>"#]],
    );
    check(
        "mcp:\n  port:\n  targets:\n",
        expect![[r#"
            <inline>:2:3: mcp.port: `port` has no value; add one, or remove the key
              |
            2 |   port:
              |   ^
            <inline>:3:3: mcp.targets: `targets` has no value; add one
              |
            3 |   targets:
              |   ^
            2 faults in <inline>"#]],
    );
    check(
        "mcp: {prefixMode: sometimes, failureMode: failopen, targets: []}\n",
        expect![[r#"
        <inline>:1:19: mcp.prefixMode: expected one of `conditional`, `always` or `never`, found `sometimes`
          |
        1 | mcp: {prefixMode: sometimes, failureMode: failopen, targets: []}
          |                   ^
        <inline>:1:43: mcp.failureMode: expected one of `failOpen` or `failClosed`, found `failopen`; did you mean `failOpen`?
          |
        1 | mcp: {prefixMode: sometimes, failureMode: failopen, targets: []}
          |                                           ^
        <inline>:1:62: mcp.targets: `targets` is empty; it needs at least one entry
          |
        1 | mcp: {prefixMode: sometimes, failureMode: failopen, targets: []}
          |                                                              ^
        3 faults in <inline>"#]],
    );
}

#[test]
fn variables() {
    check(
        &with_targets("  - {name: a, stdio: {cmd: $HOME_DIR, args: ['${X', '${X-y}', '${}', \"a\\n${X}\"]}}"),
        expect![[r#"
            <inline>:3:28: mcp.targets[0].stdio.cmd: the environment variable `HOME_DIR` is not defined; define it, or write `${HOME_DIR:-default}`; for a dollar sign write `$$`
              |
            3 |   - {name: a, stdio: {cmd: $HOME_DIR, args: ['${X', '${X-y}', '${}', "a\n${X}"]}}
              |                            ^
            <inline>:3:46: mcp.targets[0].stdio.args[0]: a `${` is never closed with `}`; for a dollar sign write `$$`
              |
            3 |   - {name: a, stdio: {cmd: $HOME_DIR, args: ['${X', '${X-y}', '${}', "a\n${X}"]}}
              |                                              ^
            <inline>:3:53: mcp.targets[0].stdio.args[1]: `${X-y}` is not a form that is known here; write `${X}` or `${X:-default}`; for a dollar sign write `$$`
              |
            3 |   - {name: a, stdio: {cmd: $HOME_DIR, args: ['${X', '${X-y}', '${}', "a\n${X}"]}}
              |                                                     ^
            <inline>:3:63: mcp.targets[0].stdio.args[2]: `${}` does not start with the name of a variable; for a dollar sign write `$$`
              |
            3 |   - {name: a, stdio: {cmd: $HOME_DIR, args: ['${X', '${X-y}', '${}', "a\n${X}"]}}
              |                                                               ^
            <inline>:3:70: mcp.targets[0].stdio.args[3]: the environment variable `X` is not defined; define it, or write `${X:-default}`; for a dollar sign write `$$`
              |
            3 |   - {name: a, stdio: {cmd: $HOME_DIR, args: ['${X', '${X-y}', '${}', "a\n${X}"]}}
              |                                                                      ^
            5 faults in <inline>"#]],
    );
}

#[test]
fn settings() {
    check(
        "config:\n  adminAddr: localhost\n  limits: {requestBody: 4M, responseBody: 0}\n  shutdown: {grace: 10}\nmcp: {targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
            <inline>:2:14: config.adminAddr: `localhost` is not an address to listen on; write `host:port`, like `localhost:15000`, or `off`
              |
            2 |   adminAddr: localhost
              |              ^
            <inline>:3:25: config.limits.requestBody: `4M` is not a size; write a number of bytes, or one with a unit, like `4MiB` or `500kB`
              |
            3 |   limits: {requestBody: 4M, responseBody: 0}
              |                         ^
            <inline>:3:43: config.limits.responseBody: a limit of 0 refuses every message; write a size like `4MiB`
              |
            3 |   limits: {requestBody: 4M, responseBody: 0}
              |                                           ^
            <inline>:4:21: config.shutdown.grace: `10` is not a duration; say the unit: `10s`
              |
            4 |   shutdown: {grace: 10}
              |                     ^
            4 faults in <inline>"#]],
    );
    check(
        "config: {limits: {jsonDepth: 3}}\nmcp: {names: {maxLength: 129}, targets: [{name: a, stdio: {cmd: b}}]}\nbinds: [{port: 1, listeners: [{routes: [{backends: [{mcp: {names: {maxLength: 31, min: 1}, targets: [{name: a, stdio: {cmd: b}}]}}]}]}]}]\n",
        expect![[r#"
            <inline>:1:30: config.limits.jsonDepth: expected a whole number from 16 to 10000, found `3`
              |
            1 | config: {limits: {jsonDepth: 3}}
              |                              ^
            <inline>:2:26: mcp.names.maxLength: expected a whole number from 32 to 128, found `129`
              |
            2 | mcp: {names: {maxLength: 129}, targets: [{name: a, stdio: {cmd: b}}]}
              |                          ^
            <inline>:3:79: binds[0].listeners[0].routes[0].backends[0].mcp.names.maxLength: expected a whole number from 32 to 128, found `31`
              |
            3 | binds: [{port: 1, listeners: [{routes: [{backends: [{mcp: {names: {maxLength: 31, min: 1}, targets: [{name: a, stdio: {cmd: b}}]}}]}]}]}]
              |                                                                               ^
            <inline>:3:83: binds[0].listeners[0].routes[0].backends[0].mcp.names: unknown key `min`; the only key here is `maxLength`
              |
            3 | binds: [{port: 1, listeners: [{routes: [{backends: [{mcp: {names: {maxLength: 31, min: 1}, targets: [{name: a, stdio: {cmd: b}}]}}]}]}]}]
              |                                                                                   ^
            4 faults in <inline>"#]],
    );
    check(
        "config: {logging: {level: verbose, format: jsn}, shutdown: {grace: soon}}\nmcp: {targets: [{name: a, stdio: {cmd: b}}]}\n",
        expect![[r#"
            <inline>:1:27: config.logging.level: expected one of `error`, `warn`, `info`, `debug` or `trace`, found `verbose`
              |
            1 | config: {logging: {level: verbose, format: jsn}, shutdown: {grace: soon}}
              |                           ^
            <inline>:1:44: config.logging.format: expected one of `text` or `json`, found `jsn`; did you mean `json`?
              |
            1 | config: {logging: {level: verbose, format: jsn}, shutdown: {grace: soon}}
              |                                            ^
            <inline>:1:68: config.shutdown.grace: `soon` is not a duration; write it like `10s`, `500ms` or `1m30s`
              |
            1 | config: {logging: {level: verbose, format: jsn}, shutdown: {grace: soon}}
              |                                                                    ^
            3 faults in <inline>"#]],
    );
}

#[test]
fn a_spare_link_for_sessions_that_get_none() {
    check(
        "mcp: {targets: [{name: a, stdio: {cmd: b}, sharing: shared, warm: 1}]}\n",
        expect![[r#"
        <inline>:1:67: mcp.targets[0].warm: `warm` keeps a link ready for the next session, and with `sharing: shared` sessions get none; remove one of the two
          |
        1 | mcp: {targets: [{name: a, stdio: {cmd: b}, sharing: shared, warm: 1}]}
          |                                                                   ^
        1 fault in <inline>"#]],
    );
}

#[test]
fn children_of_a_target_that_has_none() {
    check(
        "mcp: {targets: [{name: a, mcp: {host: \"http://b/mcp\"}, limits: {children: 3}}]}\n",
        expect![[r#"
            <inline>:1:65: mcp.targets[0].limits.children: only `stdio` targets have child processes; remove the key
              |
            1 | mcp: {targets: [{name: a, mcp: {host: "http://b/mcp"}, limits: {children: 3}}]}
              |                                                                 ^
            1 fault in <inline>"#]],
    );
}

#[test]
fn how_targets_are_treated() {
    check(
        "mcp:\n  targets:\n  - name: a\n    stdio: {cmd: b}\n    sharing: all\n    warm: 2\n    idleTimeout: 0s\n    timeouts: {list: 30, call: 5m, longestCall: 4m, conect: 1s}\n    limits: {calls: 0, pages: many}\n    breaker: {failures: -1, pause: soon}\n",
        expect![[r#"
            <inline>:5:14: mcp.targets[0].sharing: expected one of `session` or `shared`, found `all`
              |
            5 |     sharing: all
              |              ^
            <inline>:6:11: mcp.targets[0].warm: expected a whole number from 0 to 1, found `2`
              |
            6 |     warm: 2
              |           ^
            <inline>:7:18: mcp.targets[0].idleTimeout: a time of 0 leaves no time at all; write a duration like `30m`
              |
            7 |     idleTimeout: 0s
              |                  ^
            <inline>:8:22: mcp.targets[0].timeouts.list: `30` is not a duration; say the unit: `30s`
              |
            8 |     timeouts: {list: 30, call: 5m, longestCall: 4m, conect: 1s}
              |                      ^
            <inline>:8:49: mcp.targets[0].timeouts.longestCall: a call may be silent for longer than it may take in all; give `longestCall` at least the 300 s of `call`
              |
            8 |     timeouts: {list: 30, call: 5m, longestCall: 4m, conect: 1s}
              |                                                 ^
            <inline>:8:53: mcp.targets[0].timeouts: unknown key `conect`; did you mean `connect`?
              |
            8 |     timeouts: {list: 30, call: 5m, longestCall: 4m, conect: 1s}
              |                                                     ^
            <inline>:9:21: mcp.targets[0].limits.calls: expected a whole number, at least 1, found `0`
              |
            9 |     limits: {calls: 0, pages: many}
              |                     ^
            <inline>:9:31: mcp.targets[0].limits.pages: expected a whole number, at least 1, found `many`
              |
            9 |     limits: {calls: 0, pages: many}
              |                               ^
            <inline>:10:25: mcp.targets[0].breaker.failures: expected a whole number, at least 0, found `-1`
               |
            10 |     breaker: {failures: -1, pause: soon}
               |                         ^
            <inline>:10:36: mcp.targets[0].breaker.pause: `soon` is not a duration; write it like `10s`, `500ms` or `1m30s`
               |
            10 |     breaker: {failures: -1, pause: soon}
               |                                    ^
            10 faults in <inline>"#]],
    );
    check(
        "mcp: {targets: [{name: a, stdio: {cmd: b}, timeouts: {call: 5h}}]}\n",
        expect![[r#"
        <inline>:1:61: mcp.targets[0].timeouts.call: a call may be silent for longer than it may take in all; give `longestCall` at least the 18000 s of `call`
          |
        1 | mcp: {targets: [{name: a, stdio: {cmd: b}, timeouts: {call: 5h}}]}
          |                                                             ^
        1 fault in <inline>"#]],
    );
}

#[test]
fn ports() {
    check(
        &format!(
            "config:\n  adminAddr: 127.0.0.1:2\nbinds:\n- port: 1\n  listeners: [{{{ROUTES}}}]\n- port: 1\n  listeners: [{{{ROUTES}}}]\n- port: 2\n  listeners: [{{{ROUTES}}}]\nmcp: {{port: 1, targets: [{{name: a, stdio: {{cmd: b}}}}]}}\n"
        ),
        expect![[r#"
            <inline>:6:9: binds[1].port: the port 1 is already used in line 4; choose another one, or add the listeners to the first
              |
            6 | - port: 1
              |         ^
            <inline>:8:9: binds[2].port: the port 2 is already the admin interface's, in line 2; choose another one, or set `config.adminAddr`
              |
            8 | - port: 2
              |         ^
            <inline>:10:13: mcp.port: the port 1 is already used in line 4; choose another one, or add the listeners to the first
               |
            10 | mcp: {port: 1, targets: [{name: a, stdio: {cmd: b}}]}
               |             ^
            3 faults in <inline>"#]],
    );
    check(
        &format!(
            "binds:\n- port: 3000\n  listeners: [{{{ROUTES}}}]\n- port: 15000\n  listeners: [{{{ROUTES}}}]\nmcp: {{targets: [{{name: a, stdio: {{cmd: b}}}}]}}\n"
        ),
        expect![[r#"
            <inline>:4:9: binds[1].port: the port 15000 is already the admin interface's, by default; choose another one, or set `config.adminAddr`
              |
            4 | - port: 15000
              |         ^
            <inline>:6:6: mcp.port: the port 3000 (the default) is already used in line 2; choose another one, or add the listeners to the first
              |
            6 | mcp: {targets: [{name: a, stdio: {cmd: b}}]}
              |      ^
            2 faults in <inline>"#]],
    );
}

#[test]
fn listeners() {
    check(
        &with_listeners("    []\n"),
        expect![[r#"
            <inline>:4:5: binds[0].listeners: `listeners` is empty; it needs at least one entry
              |
            4 |     []
              |     ^
            1 fault in <inline>"#]],
    );
    check(
        &with_listeners(&format!(
            "  - {ROUTES}\n  - {ROUTES}\n  - hostname: A.example\n    {ROUTES}\n  - hostname: a.example\n    {ROUTES}\n"
        )),
        expect![[r#"
            <inline>:5:5: binds[0].listeners[1].hostname: the port already has a listener for every host, in line 4; give this one another `hostname`, or add its routes to the first
              |
            5 |   - routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]
              |     ^
            <inline>:8:15: binds[0].listeners[3].hostname: the port already has a listener for `a.example`, in line 6; give this one another `hostname`, or add its routes to the first
              |
            8 |   - hostname: a.example
              |               ^
            2 faults in <inline>"#]],
    );
    check(
        &with_listeners(&format!(
            "  - {{name: a, hostname: a, {ROUTES}}}\n  - {{name: a, hostname: b, address: 127.0.0.1, protocol: HTTPS, tls: {{cert: c, key: k}}, {ROUTES}}}\n  - {{name: listener3, hostname: c, address: localhost, {ROUTES}}}\n  - {{hostname: d, {ROUTES}}}\n"
        )),
        expect![[r#"
            <inline>:5:12: binds[0].listeners[1].name: the name `a` is already used in line 4; give each listener a name of its own
              |
            5 |   - {name: a, hostname: b, address: 127.0.0.1, protocol: HTTPS, tls: {cert: c, key: k}, routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]}
              |            ^
            <inline>:5:28: binds[0].listeners[1].address: this listener has another address than the first one of the port, in line 4; give all listeners of a port the same `address`
              |
            5 |   - {name: a, hostname: b, address: 127.0.0.1, protocol: HTTPS, tls: {cert: c, key: k}, routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]}
              |                            ^
            <inline>:5:48: binds[0].listeners[1].protocol: this listener speaks HTTPS, but the first one of the port speaks HTTP (line 4); a port speaks one protocol: move this listener to another port
              |
            5 |   - {name: a, hostname: b, address: 127.0.0.1, protocol: HTTPS, tls: {cert: c, key: k}, routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]}
              |                                                ^
            <inline>:6:45: binds[0].listeners[2].address: `localhost` is not an IP address; write `127.0.0.1`
              |
            6 |   - {name: listener3, hostname: c, address: localhost, routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]}
              |                                             ^
            <inline>:7:5: binds[0].listeners[3].name: the name `listener3` is already used in line 6; give each listener a name of its own
              |
            7 |   - {hostname: d, routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]}
              |     ^
            5 faults in <inline>"#]],
    );
    check(
        &with_listeners(&format!("  - protocol: HTTPS\n    {ROUTES}\n")),
        expect![[r#"
        <inline>:4:5: binds[0].listeners[0]: HTTPS needs a certificate; add `tls: {cert: cert.pem, key: key.pem}` to this listener
          |
        4 |   - protocol: HTTPS
          |     ^
        1 fault in <inline>"#]],
    );
    check(
        &with_listeners(&format!("  - protocol: HTTPS\n    tls: {{cert: x}}\n    {ROUTES}\n")),
        expect![[r#"
            <inline>:5:10: binds[0].listeners[0].tls: the key `key` is missing (the file with the private key, in PEM form)
              |
            5 |     tls: {cert: x}
              |          ^
            1 fault in <inline>"#]],
    );
    check(
        &with_listeners(&format!("  - protocol: HTTPS\n    tls: none\n    {ROUTES}\n")),
        expect![[r#"
        <inline>:5:10: binds[0].listeners[0].tls: expected a mapping (lines of `key: value`), found `none`
          |
        5 |     tls: none
          |          ^
        1 fault in <inline>"#]],
    );
    check(
        &with_listeners(&format!("  - tls: {{cert: x, key: y}}\n    {ROUTES}\n")),
        expect![[r#"
        <inline>:4:5: binds[0].listeners[0]: a certificate is of no use, because this listener speaks HTTP; add `protocol: HTTPS`, or remove `tls`
          |
        4 |   - tls: {cert: x, key: y}
          |     ^
        1 fault in <inline>"#]],
    );
    check(
        &with_listeners(&format!(
            "  - tls: {{cert: '', key: y}}\n    protocol: TLS\n    name: a/b\n    {ROUTES}\n"
        )),
        expect![[r#"
            <inline>:5:15: binds[0].listeners[0].protocol: expected one of `HTTP` or `HTTPS`, found `TLS`
              |
            5 |     protocol: TLS
              |               ^
            <inline>:6:11: binds[0].listeners[0].name: the name `a/b` holds a `/` or a control character; use another character
              |
            6 |     name: a/b
              |           ^
            2 faults in <inline>"#]],
    );
    for (hostname, hint) in [
        ("'*'", expect!["remove it: every host is the default"]),
        ("https://example.com", expect!["leave out everything but the host"]),
        ("example.com:443", expect!["leave out the port"]),
        ("a.*.example.com", expect!["a `*` stands for the first part only, as in `*.example.com`"]),
        ("exa mple", expect!["write it like `example.com` or `*.example.com`"]),
        ("''", expect!["write it like `example.com` or `*.example.com`"]),
    ] {
        let faults = try_load(&with_listeners(&format!("  - {{hostname: {hostname}, {ROUTES}}}")))
            .expect_err("faults");
        let fault = faults.iter().next().expect("a fault");
        assert_eq!(fault.message, format!("`{}` is not a hostname", hostname.trim_matches('\'')));
        hint.assert_eq(fault.hint.as_deref().unwrap_or_default());
    }
}

#[test]
fn routes() {
    check(
        &with_listeners("  - routes: []\n"),
        expect![[r#"
        <inline>:4:13: binds[0].listeners[0].routes: `routes` is empty; it needs at least one entry
          |
        4 |   - routes: []
          |             ^
        1 fault in <inline>"#]],
    );
    check(
        &with_listeners(
            "  - hostname: '*.example.com'\n    routes:\n    - {name: a, backends: []}\n    - {name: a, hostnames: [a.example.com, example.com, '*.other'], backends: [{mcp: {targets: []}}]}\n",
        ),
        expect![[r#"
            <inline>:6:27: binds[0].listeners[0].routes[0].backends: `backends` is empty; it needs at least one entry
              |
            6 |     - {name: a, backends: []}
              |                           ^
            <inline>:7:96: binds[0].listeners[0].routes[1].backends[0].mcp.targets: `targets` is empty; it needs at least one entry
              |
            7 |     - {name: a, hostnames: [a.example.com, example.com, '*.other'], backends: [{mcp: {targets: []}}]}
              |                                                                                                ^
            2 faults in <inline>"#]],
    );
    check(
        &with_listeners(
            "  - hostname: '*.example.com'\n    routes:\n    - hostnames: [a.example.com, example.com, '*.other']\n      backends:\n      - {weight: 0, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}\n      - {weight: 0, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}\n",
        ),
        expect![[r#"
            <inline>:6:34: binds[0].listeners[0].routes[0].hostnames[1]: `example.com` never gets a request, because its listener is for `*.example.com` only; move the route to another listener, or change the listener's `hostname`
              |
            6 |     - hostnames: [a.example.com, example.com, '*.other']
              |                                  ^
            <inline>:6:47: binds[0].listeners[0].routes[0].hostnames[2]: `*.other` never gets a request, because its listener is for `*.example.com` only; move the route to another listener, or change the listener's `hostname`
              |
            6 |     - hostnames: [a.example.com, example.com, '*.other']
              |                                               ^
            <inline>:8:9: binds[0].listeners[0].routes[0].backends: no backend gets a request, because every `weight` is 0; give at least one of them a weight
              |
            8 |       - {weight: 0, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}
              |         ^
            3 faults in <inline>"#]],
    );
    check(
        &with_listeners(
            "  - routes: [{backends: [{weight: 1000001, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}, {weight: -1, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]\n",
        ),
        expect![[r#"
            <inline>:4:35: binds[0].listeners[0].routes[0].backends[0].weight: expected a whole number from 0 to 1000000, found `1000001`
              |
            4 |   - routes: [{backends: [{weight: 1000001, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}, {weight: -1, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]
              |                                   ^
            <inline>:4:100: binds[0].listeners[0].routes[0].backends[1].weight: expected a whole number from 0 to 1000000, found `-1`
              |
            4 |   - routes: [{backends: [{weight: 1000001, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}, {weight: -1, mcp: {targets: [{name: a, stdio: {cmd: b}}]}}]}]
              |                                                                                                    ^
            2 faults in <inline>"#]],
    );
}

#[test]
fn matches() {
    check(
        &with_route(
            r#"
      matches:
      - path: {}
      - path: {exact: /a, regex: /b}
      - path: {exact: a}
      - path: {pathPrefix: /a?b}
      - path: {regex: "/a("}
      - headers:
        - {name: ":path", value: {exact: x}}
        - {name: "a b", value: {regex: "[b-a]"}}
        - {name: a, value: {}}
        - {name: Content-Length, value: {exact: "1"}}
      - method: post
        query:
        - {name: "", value: {exact: x}}
      - method: "a b"
"#,
        ),
        expect![[r#"
            <inline>:8:15: binds[0].listeners[0].routes[0].matches[0].path: a path is expected here; give one of `exact`, `pathPrefix`, `regex`
              |
            8 |       - path: {}
              |               ^
            <inline>:9:15: binds[0].listeners[0].routes[0].matches[1].path: a path has both `exact` and `regex`; keep one of them
              |
            9 |       - path: {exact: /a, regex: /b}
              |               ^
            <inline>:10:23: binds[0].listeners[0].routes[0].matches[2].path.exact: the path `a` does not start with `/`; write `/a`
               |
            10 |       - path: {exact: a}
               |                       ^
            <inline>:11:28: binds[0].listeners[0].routes[0].matches[3].path.pathPrefix: the path `/a?b` matches nothing, because no path holds '?'; parameters are matched by `query`
               |
            11 |       - path: {pathPrefix: /a?b}
               |                            ^
            <inline>:12:23: binds[0].listeners[0].routes[0].matches[4].path.regex: the regular expression `/a(` is not valid: unclosed group
               |
            12 |       - path: {regex: "/a("}
               |                       ^
            <inline>:14:18: binds[0].listeners[0].routes[0].matches[5].headers[0].name: `:path` is not the name of a header; use `path`
               |
            14 |         - {name: ":path", value: {exact: x}}
               |                  ^
            <inline>:15:18: binds[0].listeners[0].routes[0].matches[5].headers[1].name: `a b` is not the name of a header
               |
            15 |         - {name: "a b", value: {regex: "[b-a]"}}
               |                  ^
            <inline>:15:40: binds[0].listeners[0].routes[0].matches[5].headers[1].value.regex: the regular expression `[b-a]` is not valid: invalid character class range, the start must be <= the end
               |
            15 |         - {name: "a b", value: {regex: "[b-a]"}}
               |                                        ^
            <inline>:16:28: binds[0].listeners[0].routes[0].matches[5].headers[2].value: a value is expected here; give one of `exact`, `regex`
               |
            16 |         - {name: a, value: {}}
               |                            ^
            <inline>:17:18: binds[0].listeners[0].routes[0].matches[5].headers[3].name: the length of the body decides on no route; leave it out
               |
            17 |         - {name: Content-Length, value: {exact: "1"}}
               |                  ^
            <inline>:18:17: binds[0].listeners[0].routes[0].matches[6].method: `post` is not a method; write `POST`
               |
            18 |       - method: post
               |                 ^
            <inline>:20:18: binds[0].listeners[0].routes[0].matches[6].query[0].name: the name of the parameter is empty
               |
            20 |         - {name: "", value: {exact: x}}
               |                  ^
            <inline>:21:17: binds[0].listeners[0].routes[0].matches[7].method: `a b` is not a method; write it like `POST`
               |
            21 |       - method: "a b"
               |                 ^
            13 faults in <inline>"#]],
    );
}

#[test]
fn cors() {
    check(
        &with_route(
            r#"
      policies:
        cors:
          allowOrigins:
          - https://example.com/
          - https://example.com/a
          - example.com
          - "null"
          - https://a.*.example.com
          - $TOKEN
          - "*"
          allowHeaders: ["*", "a b"]
          allowMethods: [post, "*", a b, DELETE]
          exposeHeaders: ["*", x]
          allowCredentials: true
          maxAge: soon
"#,
        ),
        expect![[r#"
            <inline>:10:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[0]: `https://example.com/` is not an origin; an origin has no path: write `https://example.com`
               |
            10 |           - https://example.com/
               |             ^
            <inline>:11:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[1]: `https://example.com/a` is not an origin; an origin has no path: write `https://example.com`
               |
            11 |           - https://example.com/a
               |             ^
            <inline>:12:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[2]: `example.com` is not an origin; say how it is reached: `https://example.com` or `http://example.com`
               |
            12 |           - example.com
               |             ^
            <inline>:13:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[3]: `null` is not an origin; every sandboxed page has the origin `null`, so allowing it allows everyone
               |
            13 |           - "null"
               |             ^
            <inline>:14:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[4]: `https://a.*.example.com` is not an origin; write it like `https://example.com`, `https://*.example.com` or `*`
               |
            14 |           - https://a.*.example.com
               |             ^
            <inline>:15:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[5]: `$TOKEN` is not an origin; write it like `https://example.com`, `https://*.example.com` or `*`
               |
            15 |           - $TOKEN
               |             ^
            <inline>:16:13: binds[0].listeners[0].routes[0].policies.cors.allowOrigins[6]: browsers refuse `*` together with `allowCredentials: true`; name the origins that may send credentials, or remove `allowCredentials`
               |
            16 |           - "*"
               |             ^
            <inline>:17:26: binds[0].listeners[0].routes[0].policies.cors.allowHeaders[0]: browsers refuse `*` together with `allowCredentials: true`; name the headers, or remove `allowCredentials`
               |
            17 |           allowHeaders: ["*", "a b"]
               |                          ^
            <inline>:17:31: binds[0].listeners[0].routes[0].policies.cors.allowHeaders[1]: `a b` is not the name of a header
               |
            17 |           allowHeaders: ["*", "a b"]
               |                               ^
            <inline>:18:26: binds[0].listeners[0].routes[0].policies.cors.allowMethods[0]: `post` is not a method; write `POST`
               |
            18 |           allowMethods: [post, "*", a b, DELETE]
               |                          ^
            <inline>:18:32: binds[0].listeners[0].routes[0].policies.cors.allowMethods[1]: browsers refuse `*` together with `allowCredentials: true`; name the methods, or remove `allowCredentials`
               |
            18 |           allowMethods: [post, "*", a b, DELETE]
               |                                ^
            <inline>:18:37: binds[0].listeners[0].routes[0].policies.cors.allowMethods[2]: `a b` is not a method; write it like `POST`
               |
            18 |           allowMethods: [post, "*", a b, DELETE]
               |                                     ^
            <inline>:19:27: binds[0].listeners[0].routes[0].policies.cors.exposeHeaders[0]: browsers refuse `*` together with `allowCredentials: true`; name the headers, or remove `allowCredentials`
               |
            19 |           exposeHeaders: ["*", x]
               |                           ^
            <inline>:21:19: binds[0].listeners[0].routes[0].policies.cors.maxAge: `soon` is not a duration; write a number of seconds, or one with a unit, like `10m`
               |
            21 |           maxAge: soon
               |                   ^
            14 faults in <inline>"#]],
    );
    check(
        &with_route("      policies: {cors: {}}\n"),
        expect![[r#"
            <inline>:6:24: binds[0].listeners[0].routes[0].policies.cors: the key `allowOrigins` is missing (the origins whose pages may call: `https://example.com`, `https://*.example.com` for every host below it, or `*`)
              |
            6 |       policies: {cors: {}}
              |                        ^
            1 fault in <inline>"#]],
    );
    check(
        &with_route("      policies: {cors: {allowOrigins: []}}\n"),
        expect![[r#"
        <inline>:6:39: binds[0].listeners[0].routes[0].policies.cors.allowOrigins: `allowOrigins` is empty; it needs at least one entry
          |
        6 |       policies: {cors: {allowOrigins: []}}
          |                                       ^
        1 fault in <inline>"#]],
    );
}

#[test]
fn target_names() {
    let mut lines = String::new();
    for name in ["my_server", "a+b", "_", "Time", "a b", "größe", "2go", "a-", "''", "x_$TOKEN"] {
        let target = format!("  - {{name: {name}, stdio: {{cmd: b}}}}");
        let faults = try_load(&with_targets(&target)).expect_err("faults");
        let Fault { path, message, hint, .. } = faults.iter().next().expect("a fault");
        assert_eq!(path, "mcp.targets[0].name");
        lines.push_str(&format!("{message}\n    {}\n", hint.as_deref().unwrap_or_default()));
    }
    expect![[r#"
        the target name `my_server` holds a `_`, which separates it from the names of its tools (`target_tool`)
            call it `my-server`
        the target name `a+b` holds a `+`, which separates it from the URIs of its resources (`target+file://`)
            call it `a-b`
        the target name `_` holds a `_`, which separates it from the names of its tools (`target_tool`)
            a target name is made of lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last
        the target name `Time` holds a capital letter
            names are made of lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last: call it `time`
        the target name `a b` holds the character ' '
            names are made of lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last: call it `a-b`
        the target name `größe` holds the character 'ö'
            names are made of lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last: call it `gr-e`
        the target name `2go` does not start with a letter
            call it `go`
        the target name `a-` does not end with a letter or digit
            call it `a`
        the target name is empty
            a target name is made of lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last
        the target name `x_$TOKEN` holds a `_`, which separates it from the names of its tools (`target_tool`)
            a target name is made of lower-case letters, digits, `-` and `.`, with a letter first and a letter or digit last
    "#]].assert_eq(&lines);
    let name =
        |length: usize| with_targets(&format!("  - {{name: {}, stdio: {{cmd: b}}}}", "a".repeat(length)));
    assert!(try_load(&name(253)).is_ok());
    check(
        &name(254).replace("{name", "{stdio: {cmd: b}, name").replace(", stdio: {cmd: b}}", "}"),
        expect![[r#"
            <inline>:3:29: mcp.targets[0].name: the target name is longer than 253 characters; tools carry it in their names, so make it short
              |
            3 |   - {stdio: {cmd: b}, name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
              |                             ^
            1 fault in <inline>"#]],
    );
}

#[test]
fn targets() {
    check(
        &with_targets(
            r#"
  - name: a
    stdio: {cmd: b}
  - name: b
  - name: a
    mcp: {host: http://localhost:1}
    stdio: {cmd: b}
"#,
        ),
        expect![[r#"
            <inline>:6:5: mcp.targets[1]: the target says no way to reach it; add `stdio` for a program to start, or `mcp` or `sse` for a server's URL
              |
            6 |   - name: b
              |     ^
            <inline>:7:11: mcp.targets[2].name: the target name `a` is already used in line 4; give each target a name of its own
              |
            7 |   - name: a
              |           ^
            <inline>:8:5: mcp.targets[2]: the target has both `stdio` and `mcp`; keep one of them, or make two targets of it
              |
            8 |     mcp: {host: http://localhost:1}
              |     ^
            3 faults in <inline>"#]],
    );
}

#[test]
fn programs() {
    check(
        &with_targets(
            r#"
  - name: a
    stdio: {cmd: ""}
  - name: b
    stdio: {cmd: npx -y server}
  - name: c
    stdio: {cmd: "a\0", args: ["\0"], env: {"A=B": c, D: "\0"}, cwd: ~/x}
  - name: d
    stdio: {cmd: a, cwd: ""}
"#,
        ),
        expect![[r#"
            <inline>:5:18: mcp.targets[0].stdio.cmd: the program is missing: `cmd` is empty; name it, or give its path
              |
            5 |     stdio: {cmd: ""}
              |                  ^
            <inline>:7:18: mcp.targets[1].stdio.cmd: `npx -y server` is a command line, but `cmd` is the program alone; write `cmd: npx` and `args: ["-y", "server"]`
              |
            7 |     stdio: {cmd: npx -y server}
              |                  ^
            <inline>:9:18: mcp.targets[2].stdio.cmd: no program can be given a text that holds the character NUL
              |
            9 |     stdio: {cmd: "a\0", args: ["\0"], env: {"A=B": c, D: "\0"}, cwd: ~/x}
              |                  ^
            <inline>:9:32: mcp.targets[2].stdio.args[0]: no program can be given a text that holds the character NUL
              |
            9 |     stdio: {cmd: "a\0", args: ["\0"], env: {"A=B": c, D: "\0"}, cwd: ~/x}
              |                                ^
            <inline>:9:45: mcp.targets[2].stdio.env["A=B"]: this is not the name of an environment variable
              |
            9 |     stdio: {cmd: "a\0", args: ["\0"], env: {"A=B": c, D: "\0"}, cwd: ~/x}
              |                                             ^
            <inline>:9:55: mcp.targets[2].stdio.env.D: no program can be given a text that holds the character NUL
              |
            9 |     stdio: {cmd: "a\0", args: ["\0"], env: {"A=B": c, D: "\0"}, cwd: ~/x}
              |                                                       ^
            <inline>:9:70: mcp.targets[2].stdio.cwd: `~` is known to shells only; write `$HOME/x`
              |
            9 |     stdio: {cmd: "a\0", args: ["\0"], env: {"A=B": c, D: "\0"}, cwd: ~/x}
              |                                                                      ^
            <inline>:11:26: mcp.targets[3].stdio.cwd: the directory is empty; name it, or remove the key
               |
            11 |     stdio: {cmd: a, cwd: ""}
               |                          ^
            8 faults in <inline>"#]],
    );
}

#[test]
fn addresses() {
    check(
        &with_targets(
            r#"
  - {name: a, mcp: {host: localhost, port: 80}}
  - {name: b, mcp: {host: localhost, path: /mcp}}
  - {name: c, mcp: {host: http://localhost, port: 80, path: /mcp}}
  - {name: d, mcp: {host: https://user:password@localhost}}
  - {name: e, mcp: {host: ftp://localhost}}
  - {name: f, mcp: {host: "http://local host"}}
  - {name: g, mcp: {host: http://localhost/a#b}}
  - {name: h, mcp: {host: localhost, port: 443, path: /mcp}}
  - {name: i, mcp: {host: localhost, port: 0, path: /mcp}}
  - {name: j, sse: {host: localhost, port: 1, path: events}}
  - {name: k, sse: {host: "a:b", port: 1, path: /events}}
  - {name: l, sse: {host: "http://localhost:99999"}}
  - {name: m, sse: {host: ""}}
  - {name: n, sse: {host: "http://:80"}}
  - {name: o, sse: {host: "$TOKEN://x"}}
"#,
        ),
        expect![[r#"
            <inline>:4:38: mcp.targets[0].mcp: `port` needs `path` next to it; add `path: /mcp`, or write all of it into `host`: `http://…:…/mcp`
              |
            4 |   - {name: a, mcp: {host: localhost, port: 80}}
              |                                      ^
            <inline>:5:38: mcp.targets[1].mcp: `path` needs `port` next to it; add `port`, or write all of it into `host`: `http://…`
              |
            5 |   - {name: b, mcp: {host: localhost, path: /mcp}}
              |                                      ^
            <inline>:6:45: mcp.targets[2].mcp.port: `host` is a full URL, so `port` has no meaning next to it; write all of it into `host`, or only the host's name
              |
            6 |   - {name: c, mcp: {host: http://localhost, port: 80, path: /mcp}}
              |                                             ^
            <inline>:7:27: mcp.targets[3].mcp.host: the address holds credentials, which would show up wherever it is printed; remove what stands before the `@`
              |
            7 |   - {name: d, mcp: {host: https://user:password@localhost}}
              |                           ^
            <inline>:8:27: mcp.targets[4].mcp.host: `ftp` is not a protocol that targets are reached by; write `http://…` or `https://…`
              |
            8 |   - {name: e, mcp: {host: ftp://localhost}}
              |                           ^
            <inline>:9:27: mcp.targets[5].mcp.host: `http://local host` is not an address of a server; write a URL like `https://example.com/mcp`
              |
            9 |   - {name: f, mcp: {host: "http://local host"}}
              |                           ^
            <inline>:10:27: mcp.targets[6].mcp.host: the address holds a `#`, which servers never see; remove it and what follows
               |
            10 |   - {name: g, mcp: {host: http://localhost/a#b}}
               |                           ^
            <inline>:11:44: mcp.targets[7].mcp.port: a bare host is spoken to in plain HTTP, and port 443 is for HTTPS; write `host: https://localhost/mcp` alone
               |
            11 |   - {name: h, mcp: {host: localhost, port: 443, path: /mcp}}
               |                                            ^
            <inline>:12:44: mcp.targets[8].mcp.port: expected a whole number from 1 to 65535, found `0`
               |
            12 |   - {name: i, mcp: {host: localhost, port: 0, path: /mcp}}
               |                                            ^
            <inline>:13:53: mcp.targets[9].sse.path: `events` is not a path; write `/events`
               |
            13 |   - {name: j, sse: {host: localhost, port: 1, path: events}}
               |                                                     ^
            <inline>:14:27: mcp.targets[10].sse.host: `a:b` is not the name of a host; leave out everything else
               |
            14 |   - {name: k, sse: {host: "a:b", port: 1, path: /events}}
               |                           ^
            <inline>:15:27: mcp.targets[11].sse.host: `http://localhost:99999` is not an address of a server; write a URL like `https://example.com/sse`
               |
            15 |   - {name: l, sse: {host: "http://localhost:99999"}}
               |                           ^
            <inline>:16:27: mcp.targets[12].sse.host: `host` is empty; write a URL like `https://example.com/sse`
               |
            16 |   - {name: m, sse: {host: ""}}
               |                           ^
            <inline>:17:27: mcp.targets[13].sse.host: `http://:80` is not an address of a server; write a URL like `https://example.com/sse`
               |
            17 |   - {name: n, sse: {host: "http://:80"}}
               |                           ^
            <inline>:18:27: mcp.targets[14].sse.host: `$TOKEN://x` does not start with `http://` or `https://`; write `http://…` or `https://…`
               |
            18 |   - {name: o, sse: {host: "$TOKEN://x"}}
               |                           ^
            15 faults in <inline>"#]],
    );
}

#[test]
fn keys_of_sessions() {
    let serving = "mcp: {targets: [{name: a, stdio: {cmd: b}}]}\n";
    let good = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    for one in [good.to_owned(), good.to_uppercase(), format!("[{good}]"), format!("\"{good}\"")] {
        let config = loaded(&format!("{serving}config: {{session: {{key: {one}}}}}"));
        assert_eq!(config.session.keys, [federation::Key::parse(good).expect("a key")], "{one}");
        assert!(!format!("{config:?}").contains("00112233"), "{config:?}");
    }
    // What is wrong with them is said, and nothing of them.
    let text = format!(
        "{serving}config:\n  session:\n    key:\n    - {good}\n    - abc\n    - {good}\n    - $TOKEN\n    - {}x\n",
        &good[1..]
    );
    let faults = try_load(&text).expect_err("faults");
    let shown = format!("{faults} {faults:?} {:?}", Problem::from(faults.clone()));
    for secret in ["0011", "s3cret", "abc", "eeffx", "$TOKEN"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    check(
        &text,
        expect![[r#"
        <inline>:6:7: config.session.key[1]: the key has 3 hexadecimal digits, and needs 64; `openssl rand -hex 32` prints one; put it into a variable of the environment, and write `$NAME` here
        <inline>:7:7: config.session.key[2]: this key is in the list already; `openssl rand -hex 32` prints one; put it into a variable of the environment, and write `$NAME` here
        <inline>:8:7: config.session.key[3]: the key holds something that is not a hexadecimal digit; `openssl rand -hex 32` prints one; put it into a variable of the environment, and write `$NAME` here
        <inline>:9:7: config.session.key[4]: the key holds something that is not a hexadecimal digit; `openssl rand -hex 32` prints one; put it into a variable of the environment, and write `$NAME` here
        4 faults in <inline>"#]],
    );
    // Nor where it stands in a wrong place, and a fault quotes what it found there.
    for wrong in [
        format!("session: {good}"),
        format!("session: {{{good}: 1}}"),
        format!("session: {{key: ${good}}}"),
        format!("session: {{key: *a{good}}}"),
        format!("session: {{idleTimeout: {good}}}"),
        format!("logging: {{level: {good}}}"),
    ] {
        let faults = try_load(&format!("{serving}config: {{{wrong}}}")).expect_err("faults");
        let shown = format!("{faults} {faults:?} {:?}", Problem::from(faults.clone()));
        assert!(!shown.contains("00112233445566"), "{shown}");
    }
    check(
        &format!("{serving}config: {{session: {{key: {good}, idleTimout: 5m}}}}"),
        expect![[r#"
        <inline>:2:91: config.session: unknown key `idleTimout`; did you mean `idleTimeout`?
          |
        2 | config: {session: {key: ****************************************************************, idleTimout: 5m}}
          |                                                                                           ^
        1 fault in <inline>"#]],
    );
    check(
        &format!("{serving}config: {{session: {{key: {good}0, idleTimeout: 5}}}}"),
        expect![[r#"
        <inline>:2:25: config.session.key: the key has 65 hexadecimal digits, and needs 64; `openssl rand -hex 32` prints one; put it into a variable of the environment, and write `$NAME` here
        <inline>:2:105: config.session.idleTimeout: `5` is not a duration; say the unit: `5s`
        2 faults in <inline>"#]],
    );
    check(
        &format!("{serving}config: {{session: {{key: [], idleTimeout: 0s}}}}"),
        expect![[r#"
        <inline>:2:25: config.session.key: `key` is empty; it needs at least one entry
          |
        2 | config: {session: {key: [], idleTimeout: 0s}}
          |                         ^
        <inline>:2:42: config.session.idleTimeout: a session that may not be idle is over at once; write a duration like `30m`
          |
        2 | config: {session: {key: [], idleTimeout: 0s}}
          |                                          ^
        2 faults in <inline>"#]],
    );
    check(
        &format!("{serving}config: {{session: {{key: {{a: b}}}}, limits: {{sessions: 0}}}}"),
        expect![[r#"
            <inline>:2:25: config.session.key: expected a text, or a list (lines that start with `- `), found a mapping
              |
            2 | config: {session: {key: {a: b}}, limits: {sessions: 0}}
              |                         ^
            <inline>:2:53: config.limits.sessions: expected a whole number, at least 1, found `0`
              |
            2 | config: {session: {key: {a: b}}, limits: {sessions: 0}}
              |                                                     ^
            2 faults in <inline>"#]],
    );
    check(
        &format!("{serving}config: {{session: {{key: $NONE}}}}"),
        expect![[r#"
        <inline>:2:25: config.session.key: the environment variable `NONE` is not defined; define it, or write `${NONE:-default}`; for a dollar sign write `$$`
          |
        2 | config: {session: {key: $NONE}}
          |                         ^
        1 fault in <inline>"#]],
    );
}
