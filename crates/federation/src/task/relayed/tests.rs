use protocol::Raw;
use serde_json::{Value, json};

use super::told;

#[test]
fn every_request_for_input_of_a_task_names_its_target_even_one_without_params() {
    let state = json!({ "taskId": "t1", "inputRequests": { "r": { "method": "roots/list" } } });
    let state = Raw::of(&state).object().expect("an object");
    let told: Value = told(state, "a", true).to_raw().read().expect("JSON");
    assert_eq!(told["inputRequests"]["r"]["params"]["_meta"]["agentgateway.dev/target"], "a");
}
