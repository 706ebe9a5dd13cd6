//! Clients at once on one target over standard input and output, all being asked: no answer crosses over.

use serde_json::json;
use testkit::fixture;

use crate::client::{Gateway, serving};
use crate::person::{Era, Person};
use crate::support::stdio_fixture;

/// How often both are asked by each target.
const ROUNDS: usize = 1000;
/// How many pairs of clients share the rounds.
const PAIRS: usize = 4;

/// Both call at once and are asked, before either of them answers. Who answers first changes from round to round.
async fn ask_both(pair: &[Person; 2], target: &str, round: usize) {
    let tool = format!("{target}_kit_echo_asked");
    let [one, two] = pair;
    let token = |person: &Person| format!("{}-{target}-{round}", person.name);
    let (mut first, mut second) = tokio::join!(
        one.call(&tool, json!({ "token": token(one) })),
        two.call(&tool, json!({ "token": token(two) })),
    );
    let (ask_one, ask_two) = tokio::join!(first.question(), second.question());
    for (question, person) in [(&ask_one, one), (&ask_two, two)] {
        let message = question.params["message"].as_str().unwrap_or_default();
        assert_eq!(message, format!("{target}: Which value goes with {}?", token(person)), "{}", person.name);
    }
    let (ask_one, ask_two) = ([ask_one], [ask_two]);
    match round % 3 {
        0 => {
            first.answer(&ask_one).await;
            second.answer(&ask_two).await;
        }
        1 => {
            second.answer(&ask_two).await;
            first.answer(&ask_one).await;
        }
        _ => {
            tokio::join!(first.answer(&ask_one), second.answer(&ask_two));
        }
    }
    let (answer_one, answer_two) = tokio::join!(first.done(), second.done());
    for (answer, person) in [(answer_one, one), (answer_two, two)] {
        let answered = person.heard(&format!("Which value goes with {}?", token(person)));
        let told = json!({ "asked": token(person), "answered": answered });
        assert_eq!(answer["result"]["structuredContent"], told, "{} in round {round}: {answer}", person.name);
    }
}

/// A legacy and a modern target, and pairs of clients that call both of them at the same time.
async fn no_answer_crosses_over(eras: [Era; 2]) {
    let targets = [stdio_fixture("old", fixture::Era::Legacy), stdio_fixture("new", fixture::Era::Modern)];
    let gateway = Gateway::start(&serving(targets.into())).await;
    gateway.ready("old").await;
    gateway.ready("new").await;
    let to = gateway.address();
    let pairs = (0..PAIRS).map(async |number| {
        let meet = async |name: &str, era| Person::meet(&format!("{name}{number}"), era, to).await;
        let pair = [meet("ann", eras[0]).await, meet("bob", eras[1]).await];
        let rounds = async |target| {
            for round in (number..ROUNDS).step_by(PAIRS) {
                ask_both(&pair, target, round).await;
            }
        };
        tokio::join!(rounds("old"), rounds("new"));
    });
    futures::future::join_all(pairs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_two_legacy_clients_crosses_over_in_a_thousand_rounds() {
    no_answer_crosses_over([Era::Legacy, Era::Legacy]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_two_modern_clients_crosses_over_in_a_thousand_rounds() {
    no_answer_crosses_over([Era::Modern, Era::Modern]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_legacy_and_a_modern_client_crosses_over_in_a_thousand_rounds() {
    no_answer_crosses_over([Era::Legacy, Era::Modern]).await;
}
