//! Calls of which a target makes a task, taken to their end.

use crate::reply::{Ask, Note, Question};

use super::*;

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// A modern target that makes a task of every call, and says of it what stands here, the last again and again.
fn tasks(created: Value, states: Vec<Value>) -> Scripted {
    let looks = Mutex::new(0);
    Scripted::modern(move |message, says| match message["method"].as_str() {
        Some("tools/call") => {
            let mut task = created.clone();
            task["resultType"] = json!("task");
            task["taskId"] = json!("t1");
            says.result(message, task);
        }
        Some("tasks/get") => {
            let mut looks = looks.lock().expect("no panic");
            let state = states.get(*looks).or(states.last()).cloned().unwrap_or_default();
            *looks += 1;
            says.result(message, state);
        }
        Some("tasks/update" | "tasks/cancel") => says.result(message, json!({ "resultType": "complete" })),
        _ => {}
    })
}

/// A legacy target that makes a task of every call, and leaves the rest to a function.
fn core_tasks(react: impl Fn(&Value, &Says) + Send + Sync + 'static) -> Scripted {
    Scripted::legacy(move |message, says| match message["method"].as_str() {
        Some("tools/call") => {
            says.result(message, json!({ "task": { "taskId": "t1", "status": "working", "ttl": null } }))
        }
        Some("tasks/cancel") => says.result(message, json!({ "taskId": "t1", "status": "cancelled" })),
        _ => react(message, says),
    })
}

fn working() -> Value {
    json!({ "status": "working" })
}

fn done() -> Value {
    json!({ "status": "completed", "result": { "content": [], "n": 1 } })
}

fn asking(key: &str, method: &str) -> Value {
    json!({ "status": "input_required", "inputRequests": { key: { "method": method, "params": { "message": key } } } })
}

/// A client that can be asked everything but for a page to be opened.
fn caller() -> Arc<Caller> {
    let declared = Raw::of(&json!({ "sampling": {}, "roots": {}, "elicitation": {} }));
    Caller::new(Era::Legacy, &declared.object().expect("an object"), None)
}

async fn drive(link: &Link) -> BoxStream<'static, Result<Event, Error>> {
    drive_call(link, Call { drive: true, caller: caller(), ..call(json!({ "name": "x" })) }).await
}

async fn drive_call(link: &Link, call: Call) -> BoxStream<'static, Result<Event, Error>> {
    match link.call(call).await.expect("a reply") {
        Reply::Stream(events) => events,
        Reply::One(answer) => panic!("a task has a stream: {answer:?}"),
    }
}

async fn question(events: &mut BoxStream<'static, Result<Event, Error>>) -> Question {
    match events.next().await {
        Some(Ok(Event::Ask(Ask::Held(question)))) => question,
        other => panic!("not a question: {other:?}"),
    }
}

async fn end(events: &mut BoxStream<'static, Result<Event, Error>>) -> Result<Value, Value> {
    let value = |raw: Raw| raw.read::<Value>().expect("JSON");
    match events.next().await {
        Some(Ok(Event::Answer(answer))) => {
            assert!(events.next().await.is_none(), "nothing comes after the answer");
            answer.map(value).map_err(value)
        }
        other => panic!("not an answer: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_looked_after_in_its_targets_pace_and_its_result_is_the_calls() {
    let target =
        tasks(json!({ "status": "working", "pollIntervalMs": 2000 }), vec![working(), working(), done()]);
    let (link, _notices) = target.open().await;
    let start = Instant::now();
    assert_eq!(end(&mut drive(&link).await).await, Ok(json!({ "content": [], "n": 1 })));
    assert_eq!((start.elapsed().as_secs(), target.heard_of("tasks/get").len()), (6, 3));
    for method in ["tools/call", "tasks/get"] {
        let meta = &target.heard_of(method)[0]["params"]["_meta"];
        assert_eq!(meta[CAPABILITIES]["extensions"]["io.modelcontextprotocol/tasks"], json!({}));
    }
    assert_eq!(target.heard_of("tasks/get")[0]["params"]["taskId"], "t1");
    sleep(Duration::from_secs(60)).await;
    assert!(target.heard_of("tasks/cancel").is_empty(), "what has ended is not cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_target_cannot_wish_for_a_pace_that_harms() {
    for (wish, took) in
        [(json!(0), 100), (json!(36_000_000), 30_000), (json!("soon"), 1000), (Value::Null, 1000)]
    {
        let target = tasks(json!({ "status": "working", "pollIntervalMs": wish }), vec![done()]);
        let (link, _notices) = target.open().await;
        let start = Instant::now();
        end(&mut drive(&link).await).await.expect("a result");
        assert_eq!(start.elapsed().as_millis(), took, "{wish}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_task_is_the_answer() {
    let target =
        Scripted::modern(|m, says| says.result(m, json!({ "resultType": "complete", "content": [] })));
    let (link, _notices) = target.open().await;
    let call = Call { drive: true, ..call(json!({ "name": "x" })) };
    let answer =
        link.call(call).await.expect("a reply").answer().await.expect("an answer").expect("a result");
    assert_eq!(answer.as_bytes(), br#"{"content":[],"resultType":"complete"}"#);
    assert!(target.heard_of("tasks/get").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_task_asks_is_asked_once_and_its_answer_is_brought() {
    let states = vec![asking("k", "sampling/createMessage"), asking("k", "sampling/createMessage"), done()];
    let target = tasks(working(), states);
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let asked = question(&mut events).await;
    assert_eq!(
        (&*asked.method, asked.params.text("message").as_deref()),
        ("sampling/createMessage", Some("k"))
    );
    assert!(futures::poll!(events.next()).is_pending());
    asked.answer(Ok(Raw::of(&json!({ "model": "m" }))));
    end(&mut events).await.expect("a result");
    let updates = target.heard_of("tasks/update");
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0]["params"]["inputResponses"], json!({ "k": { "model": "m" } }));
    assert_eq!(updates[0]["params"]["taskId"], "t1");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_task_no_longer_asks_is_withdrawn() {
    let target = tasks(working(), vec![asking("k", "roots/list"), working(), done()]);
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let mut asked = question(&mut events).await;
    end(&mut events).await.expect("a result");
    asked.withdrawn().await;
    assert!(target.heard_of("tasks/update").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_elicitation_that_is_refused_is_cancelled_and_the_task_goes_on() {
    let target = tasks(working(), vec![asking("k", "elicitation/create"), done()]);
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    drop(question(&mut events).await);
    end(&mut events).await.expect("a result");
    let update = &target.heard_of("tasks/update")[0];
    assert_eq!(update["params"]["inputResponses"], json!({ "k": { "action": "cancel" } }));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_needs_what_the_client_refuses_is_cancelled_and_the_call_says_why() {
    let target = tasks(working(), vec![asking("k", "sampling/createMessage")]);
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let error = RpcError::new(-1, "not now").to_raw();
    question(&mut events).await.answer(Err(error));
    let result = end(&mut events).await.expect("a result");
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().expect("text").contains("not now"), "{result}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(target.heard_of("tasks/cancel")[0]["params"]["taskId"], "t1");
}

#[tokio::test(start_paused = true)]
async fn a_target_cannot_ask_without_end() {
    let asked = Mutex::new(0);
    let target = Scripted::modern(move |message, says| match message["method"].as_str() {
        Some("tools/call") => says.result(message, json!({ "resultType": "task", "taskId": "t1" })),
        Some("tasks/get") => {
            let mut asked = asked.lock().expect("no panic");
            *asked += 1;
            says.result(message, asking(&asked.to_string(), "roots/list"));
        }
        _ => says.result(message, json!({})),
    });
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let mut questions = Vec::new();
    let error = loop {
        match events.next().await.expect("an end") {
            Ok(Event::Ask(ask)) => questions.push(ask),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!((questions.len(), error.kind), (256, ErrorKind::Protocol));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(target.heard_of("tasks/cancel").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn words_about_a_task_are_progress_beyond_what_was_told() {
    let told = Scripted::modern(|message, says| match message["method"].as_str() {
        Some("tools/call") => {
            says.say(progress(message).replace(r#""progress":1"#, r#""progress":2.5"#));
            says.result(message, json!({ "resultType": "task", "taskId": "t1", "statusMessage": "a" }));
        }
        Some("tasks/get") => {
            let mut state = done();
            state["statusMessage"] = json!("b");
            says.result(message, state);
        }
        _ => {}
    });
    let (link, _notices) = told.open().await;
    let mut events = drive(&link).await;
    let mut notes = Vec::new();
    while let Some(Ok(Event::Note(Note::Progress(params)))) = events.next().await {
        notes.push(params.to_raw().read::<Value>().expect("JSON"));
    }
    assert_eq!(notes[0]["progress"], 2.5);
    assert_eq!(notes[1..], [json!({ "progress": 3.0, "message": "b" })]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_or_is_cancelled_is_a_call_that_fails() {
    let error = json!({ "code": -32050, "message": "no" });
    for (state, expected) in [
        (json!({ "status": "failed", "error": error }), error),
        (
            json!({ "status": "cancelled", "statusMessage": "too long" }),
            json!({ "code": -32603, "message": "the server cancelled the task: too long" }),
        ),
    ] {
        let target = tasks(working(), vec![state]);
        let (link, _notices) = target.open().await;
        let quiet = Call { drive: true, progress: false, ..call(json!({ "name": "x" })) };
        assert_eq!(end(&mut drive_call(&link, quiet).await).await, Err(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_forgotten_ends_the_call_with_what_the_target_says() {
    let target = Scripted::modern(|message, says| match message["method"].as_str() {
        Some("tools/call") => says.result(message, json!({ "resultType": "task", "taskId": "t1" })),
        _ => says.error(message, -32602, Value::Null),
    });
    let (link, _notices) = target.open().await;
    assert_eq!(end(&mut drive(&link).await).await.expect_err("an error")["code"], -32602);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_is_repeated_but_not_for_ever() {
    let target = Scripted::modern(|message, says| {
        if message["method"] == "tools/call" {
            says.result(message, json!({ "resultType": "task", "taskId": "t1" }));
        }
    });
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let error = events.next().await.expect("an end").expect_err("a failure");
    assert_eq!((error.kind, target.heard_of("tasks/get").len()), (ErrorKind::Timeout, 5));
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_driven_call_that_is_given_up_cancels_its_task() {
    let target = tasks(working(), vec![working()]);
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    assert!(futures::poll!(events.next()).is_pending());
    drop(events);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(target.heard_of("tasks/cancel")[0]["params"]["taskId"], "t1");
}

#[tokio::test(start_paused = true)]
async fn a_task_may_only_ask_for_what_the_client_declared() {
    let mut asking = asking("k", "elicitation/create");
    asking["inputRequests"]["k"]["params"] = json!({ "mode": "url", "url": "https://x" });
    let target = tasks(working(), vec![asking]);
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let error = events.next().await.expect("an end").expect_err("a failure");
    assert_eq!(error.kind, ErrorKind::Protocol);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(target.heard_of("tasks/cancel").len(), 1);
}

// === 2025-11-25 ===

#[tokio::test(start_paused = true)]
async fn a_legacy_target_is_asked_for_a_task_and_waited_for() {
    let target = core_tasks(|message, says| {
        if message["method"] == "tasks/result" {
            says.result(message, json!({ "content": [], "_meta": { RELATED: { "taskId": "t1" } } }));
        }
    });
    let (link, _notices) = target.open().await;
    assert_eq!(end(&mut drive(&link).await).await, Ok(json!({ "content": [] })));
    assert_eq!(target.heard_of("tools/call")[0]["params"]["task"], json!({}));
    assert_eq!(target.heard_of("tasks/result")[0]["params"]["taskId"], "t1");
    sleep(Duration::from_secs(1)).await;
    assert!(target.heard_of("tasks/cancel").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_legacy_task_may_take_longer_than_a_target_may_be_silent() {
    let target = core_tasks(|message, says| match message["method"].as_str() {
        Some("tasks/get") => says.result(message, json!({ "taskId": "t1", "status": "working" })),
        Some("tasks/result") => {
            let (message, says) = (message.clone(), says.clone());
            Task::spawn_finite("slow task", async move {
                // It answers the third request for the result.
                sleep(Duration::from_secs(290)).await;
                if message["id"].as_u64().is_some_and(|id| id >= 9) {
                    says.result(&message, json!({ "content": [] }));
                }
            });
        }
        _ => {}
    });
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let start = Instant::now();
    end(&mut events).await.expect("a result");
    assert!(start.elapsed().as_secs() > 600, "{:?}", start.elapsed());
    assert!(target.heard_of("tasks/result").len() > 2);
}

#[tokio::test(start_paused = true)]
async fn a_legacy_task_that_is_given_up_is_cancelled() {
    let target = core_tasks(|_, _| {});
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), events.next()).await.is_err());
    drop(events);
    sleep(Duration::from_secs(1)).await;
    let methods: Vec<_> = target.methods().into_iter().map(|(_, method)| method).collect();
    assert_eq!(target.heard_of("tasks/cancel")[0]["params"]["taskId"], "t1");
    assert!(
        methods.contains(&"notifications/cancelled".to_owned()),
        "the request for the result is given up"
    );
}

#[tokio::test(start_paused = true)]
async fn a_legacy_task_that_never_ends_is_given_up_after_a_day() {
    let target = core_tasks(|message, says| {
        if message["method"] == "tasks/get" {
            says.result(message, json!({ "taskId": "t1", "status": "working" }));
        }
    });
    let (link, _notices) = target.open().await;
    let mut events = drive(&link).await;
    let start = Instant::now();
    let error = events.next().await.expect("an end").expect_err("a failure");
    assert!(error.detail.contains("within 86400 s"), "{error}");
    let hours = start.elapsed().as_secs_f64() / 3600.0;
    assert!((24.0..24.2).contains(&hours), "{hours}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(target.heard_of("tasks/cancel").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_modern_task_that_never_ends_is_given_up_after_a_day() {
    for state in [working(), asking("k", "roots/list")] {
        let target = Scripted::modern(move |message, says| match message["method"].as_str() {
            Some("tools/call") => says
                .result(message, json!({ "resultType": "task", "taskId": "t1", "pollIntervalMs": 30_000 })),
            Some("tasks/get") => says.result(message, state.clone()),
            _ => says.result(message, json!({})),
        });
        let (link, _notices) = target.open().await;
        let mut events = drive(&link).await;
        let mut held = Vec::new();
        let error = loop {
            match events.next().await.expect("an end") {
                Ok(event) => held.push(event),
                Err(error) => break error,
            }
        };
        assert!(error.detail.contains("within 86400 s") && held.len() <= 1, "{error}");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(target.heard_of("tasks/cancel").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_task_is_read_whatever_it_calls_itself_and_refused_if_it_says_nothing() {
    let task =
        json!({ "resultType": "task", "taskId": "another", "status": "completed", "result": { "n": 1 } });
    let (link, _notices) = tasks(working(), vec![task]).open().await;
    assert_eq!(end(&mut drive(&link).await).await, Ok(json!({ "n": 1 })));
    for odd in [
        json!({ "status": "completed" }),
        json!({ "status": "completed", "result": [] }),
        json!({ "status": "failed", "error": "no" }),
        json!({ "status": "submitted" }),
        json!({ "status": 7 }),
        json!({ "resultType": "input_required", "inputRequests": {} }),
        json!({ "status": "input_required", "inputRequests": { "k": {} } }),
        json!({ "status": "input_required", "inputRequests": { "k": { "method": "tools/call" } } }),
    ] {
        let target = tasks(json!({ "pollIntervalMs": -1 }), vec![odd.clone()]);
        let (link, _notices) = target.open().await;
        let mut events = drive(&link).await;
        let error = events.next().await.expect("an end").expect_err("a failure");
        assert_eq!(error.kind, ErrorKind::Protocol, "{odd}");
        assert!(events.next().await.is_none());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(target.heard_of("tasks/cancel").len(), 1, "{odd}");
    }
}
