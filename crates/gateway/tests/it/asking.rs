//! Targets that ask in the middle of a call, over real sockets and pipes: clients of both eras, targets of both eras, every
//! transport.

use serde_json::{Value, json};
use testkit::Served;
use testkit::fixture::{self, Settings};

use crate::client::{Gateway, eventually, remote, serving};
use crate::person::{Era, Next, Person};
use crate::support::stdio_fixture;

/// Targets of one gateway: each with the name under which it is in the lists, and its era.
struct Targets {
    gateway: Gateway,
    fixtures: Vec<(&'static str, Era)>,
    _served: Vec<Served>,
}

/// The fixture in every form in which it can be asked about.
async fn every_target() -> Targets {
    let (old, new) = (fixture::Era::Legacy, fixture::Era::Modern);
    let over_http = [
        ("old", Settings { era: old, ..Settings::default() }),
        ("old-streams", Settings { era: old, always_sse: true, ..Settings::default() }),
        ("old-get", Settings { era: old, requests_on_get: true, ..Settings::default() }),
        ("new", Settings { era: new, ..Settings::default() }),
        ("new-streams", Settings { era: new, always_sse: true, ..Settings::default() }),
    ];
    let (mut targets, mut served, mut fixtures) = (Vec::new(), Vec::new(), Vec::new());
    for (name, settings) in over_http {
        fixtures.push((name, if settings.era == old { Era::Legacy } else { Era::Modern }));
        let fixture = fixture::serve(settings, 0).await.expect("a free port");
        targets.push(remote(name, &fixture.url));
        served.push(fixture);
    }
    for (name, era, spoken) in [("old-pipe", Era::Legacy, old), ("new-pipe", Era::Modern, new)] {
        fixtures.push((name, era));
        targets.push(stdio_fixture(name, spoken));
    }
    let gateway = Gateway::start(&serving(targets)).await;
    for (name, _) in &fixtures {
        gateway.ready(name).await;
    }
    Targets { gateway, fixtures, _served: served }
}

/// One client and one target.
struct Cell<'a> {
    person: &'a Person,
    target: &'a str,
    /// The target's.
    era: Era,
}

impl Cell<'_> {
    fn tool(&self, name: &str) -> String {
        format!("{}_{name}", self.target)
    }

    fn name(&self) -> String {
        format!("{:?} client, target {}", self.person.era(), self.target)
    }

    async fn facts(&self, tool: &str, arguments: Value) -> Value {
        self.person.facts(&self.tool(tool), arguments).await
    }

    async fn asks_a_model(&self) {
        let (answer, _) =
            self.person.converse(&self.tool("test_sampling"), json!({ "prompt": "Say it" })).await;
        let said = match answer["result"]["content"][0]["text"].as_str() {
            Some(said) => said.to_owned(),
            None => panic!("{}: {answer}", self.name()),
        };
        assert_eq!(said, format!("LLM response: {}", self.person.heard("Say it")), "{}", self.name());
    }

    async fn asks_for_a_form(&self) {
        let told = self.facts("kit_echo_asked", json!({ "token": "t" })).await;
        let answered = self.person.heard("Which value goes with t?");
        assert_eq!(told, json!({ "asked": "t", "answered": answered }), "{}", self.name());
    }

    /// A legacy target fails the call with an error that names the page, which only a modern client is asked about: a
    /// legacy one knows the error.
    async fn asks_for_a_page_to_be_visited(&self) {
        let visited = async || {
            let mut talk = self.person.call(&self.tool("kit_url_required"), json!({})).await;
            loop {
                match talk.next().await {
                    Next::Asked(questions) => {
                        assert!(!questions.is_empty(), "{}", self.name());
                        for question in &questions {
                            let params = &question.params;
                            let url = params["url"].as_str().unwrap_or_default();
                            assert_eq!(
                                (&*question.method, &params["mode"]),
                                ("elicitation/create", &json!("url"))
                            );
                            assert!(url.starts_with("https://fixture.example/visit/"), "{params}");
                        }
                        talk.answer(&questions).await;
                    }
                    Next::Answered(answer) => {
                        let (to_legacy, code) = (self.person.era() == Era::Legacy, &answer["error"]["code"]);
                        if to_legacy && self.era == Era::Legacy && *code == -32042 {
                            let asked = &answer["error"]["data"]["elicitations"][0];
                            assert_eq!(asked["mode"], "url", "{answer}");
                            return None;
                        }
                        return Some(answer["result"]["structuredContent"].clone());
                    }
                }
            }
        };
        let told = eventually("the page is visited", visited).await;
        assert_eq!(told, json!({ "visited": true }), "{}", self.name());
    }

    async fn asks_several_things_at_once(&self) {
        let told = self.facts("kit_ask_many", json!({})).await;
        let model = &told["sampled"]["content"];
        let said = model["text"].as_str().or(model[0]["text"].as_str()).unwrap_or_default();
        assert_eq!(said, self.person.heard("Say something"), "{}: {told}", self.name());
        let value = self.person.heard("Say a value");
        assert_eq!(
            told["elicited"],
            json!({ "action": "accept", "content": { "value": value } }),
            "{}",
            self.name()
        );
        assert_eq!(told["roots"]["roots"], json!([self.person.root()]), "{}: {told}", self.name());
    }

    /// Each round with progress, on the stream of the call that hears the round's end.
    async fn asks_again_and_again(&self) {
        let (answer, notes) = self.person.converse(&self.tool("kit_ask_then"), json!({ "rounds": 3 })).await;
        let told = &answer["result"]["structuredContent"];
        let values: Vec<_> = (1..=3).map(|round| self.person.heard(&format!("Round {round} of 3"))).collect();
        assert_eq!(*told, json!({ "values": values, "stopped": null }), "{}: {answer}", self.name());
        assert_eq!(steps(&notes), [1, 2, 3], "{}", self.name());
    }

    /// Progress and logs of two calls at once come on the stream of their own.
    async fn reports_on_the_right_stream(&self) {
        let slow = self.tool("kit_slow");
        let both = tokio::join!(
            self.person.converse(&slow, json!({ "steps": 3 })),
            self.person.converse(&slow, json!({ "steps": 4 })),
        );
        // Whose they are is seen by the token in them.
        assert_eq!(
            (steps(&both.0.1), steps(&both.1.1)),
            (vec![1, 2, 3], vec![1, 2, 3, 4]),
            "{}",
            self.name()
        );
        let (_, notes) = self.person.converse(&self.tool("kit_log"), json!({ "count": 3 })).await;
        let logged: Vec<_> = notes.iter().filter_map(|note| note["params"]["data"].as_str()).collect();
        let all = ["message 1 of 3", "message 2 of 3", "message 3 of 3"];
        assert_eq!(logged, all, "{}", self.name());
    }

    /// A call that is given up in the middle ends at the target.
    async fn cancels(&self) {
        let open = self.facts("kit_state", json!({})).await;
        let mut talk = self.person.call(&self.tool("kit_slow"), json!({ "steps": 6000 })).await;
        talk.until("notifications/progress").await;
        talk.cancel().await;
        let ended = async || {
            let now = self.facts("kit_state", json!({})).await;
            (now["calls"] == open["calls"]).then_some(now)
        };
        let now = eventually(&format!("the call ends: {}", self.name()), ended).await;
        // The process of a modern client's legacy target ends with the call.
        if !(self.person.era() == Era::Modern && self.target == "old-pipe") {
            let count = |state: &Value| state["cancelled"].as_u64();
            assert!(count(&now) > count(&open), "{}: {now}", self.name());
            assert_ne!(self.facts("kit_cancelled", json!({})).await["cancelled"], 0, "{}", self.name());
        }
    }
}

/// The steps that were reported.
fn steps(notes: &[Value]) -> Vec<u64> {
    notes.iter().filter_map(|note| note["params"]["progress"].as_u64()).collect()
}

/// Does something with clients of these eras and every target, all at once. Each target has a client of its own.
async fn in_cells_of(eras: &[Era], does: impl AsyncFn(&Cell<'_>)) {
    let targets = every_target().await;
    let to = targets.gateway.address();
    let in_cell = async |era, target: &str, spoken| {
        let person = Person::meet(&format!("ann of {target}"), era, to).await;
        does(&Cell { person: &person, target, era: spoken }).await;
    };
    let cells = targets.fixtures.iter().flat_map(|cell| eras.iter().map(move |era| (*era, cell)));
    futures::future::join_all(cells.map(|(era, (target, spoken))| in_cell(era, target, *spoken))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_target_can_ask_every_client_for_everything() {
    in_cells_of(&[Era::Legacy, Era::Modern], async |cell| {
        cell.asks_a_model().await;
        cell.asks_for_a_form().await;
        cell.asks_for_a_page_to_be_visited().await;
        cell.asks_several_things_at_once().await;
        cell.asks_again_and_again().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_and_logs_of_every_target_come_on_the_stream_of_their_call() {
    // One era at a time: a log message on a pipe does not say whose it is while several calls run there.
    for era in [Era::Legacy, Era::Modern] {
        in_cells_of(&[era], async |cell| cell.reports_on_the_right_stream().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_client_gives_up_ends_at_every_target() {
    // One era at a time: it is seen by how many calls the target has.
    for era in [Era::Legacy, Era::Modern] {
        in_cells_of(&[era], async |cell| cell.cancels().await).await;
    }
}
