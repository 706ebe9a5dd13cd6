use protocol::Object;
use serde_json::{Value, json};

use super::*;
use crate::principal::Principal;

fn object(value: &Value) -> Object {
    Object::parse(&Bytes::from(value.to_string())).expect("an object")
}

fn handshake(capabilities: &Value, info: &Value) -> Handshake {
    let caller = Caller::new(Era::Legacy, &object(capabilities), Some(Raw::of(info)));
    Handshake { version: Version::V2025_06_18, caller }
}

/// What the inspector of the protocol says of itself.
fn usual() -> Handshake {
    let capabilities = json!({ "sampling": {}, "elicitation": {}, "roots": { "listChanged": true } });
    handshake(&capabilities, &json!({ "name": "mcp-inspector", "version": "0.16.2" }))
}

fn target(name: &str, host: &str) -> upstream::Settings {
    upstream::Settings::new(name, Transport::Http(format!("http://{host}/mcp").parse().expect("a URL")))
}

/// Sessions with the ids of most SDKs.
fn carried(count: usize) -> Vec<Carried> {
    let uuid = "0b9f6a0e-7d0b-4f0a-8a56-2f0d2a4e7c11";
    (0..count).map(|n| Carried::new(&target(&format!("target-{n}"), "a"), uuid.into())).collect()
}

fn at(hours: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(hours * 3600)
}

fn sealed(seal: &Seal, passport: &Passport) -> Arc<str> {
    passport.seal(seal, Purpose::session("b", &Principal::default()), at(0)).expect("a key")
}

fn opened(seal: &Seal, id: &str, hours: u64) -> Option<Passport> {
    Passport::open(seal, Purpose::session("b", &Principal::default()), id, at(hours))
}

#[test]
fn an_id_says_for_a_day_what_was_agreed_on() {
    let seal = Seal::random();
    let id = sealed(&seal, &Passport::new(usual(), carried(2)));
    let Passport { handshake, carried: there } = opened(&seal, &id, 23).expect("ours");
    assert_eq!((handshake.version, &*handshake.caller), (usual().version, &*usual().caller));
    assert_eq!(there, carried(2));
    assert!(opened(&seal, &id, 24).is_none(), "a day later");
}

#[test]
fn an_id_opens_for_its_server_and_its_principal_only() {
    let seal = Seal::random();
    let ann = Principal::named("ann");
    let id =
        Passport::new(usual(), Vec::new()).seal(&seal, Purpose::session("b", &ann), at(0)).expect("a key");
    let opens = |backend, principal: &Principal| {
        Passport::open(&seal, Purpose::session(backend, principal), &id, at(1)).is_some()
    };
    assert!(opens("b", &ann) && !opens("c", &ann));
    assert!(!opens("b", &Principal::named("bob")) && !opens("b", &Principal::default()));
    assert!(Passport::open(&seal, Purpose::request_state("b"), &id, at(1)).is_none());
}

#[test]
fn a_target_at_another_address_is_another_target() {
    let carried = Carried::new(&target("a", "one"), "s".into());
    assert!(carried.is_from(&target("a", "one")));
    assert!(!carried.is_from(&target("a", "two")) && !carried.is_from(&target("b", "one")));
}

/// How long an id is, for documents that say so.
#[test]
fn an_id_is_as_short_as_it_is_said_to_be() {
    let seal = Seal::random();
    let lengths = [0, 3, 10].map(|count| sealed(&seal, &Passport::new(usual(), carried(count))).len());
    assert_eq!(lengths, [212, 463, 1051]);
}

#[test]
fn sessions_at_targets_for_which_there_is_no_room_are_left_out() {
    let seal = Seal::random();
    let mut many = carried(40);
    many.insert(1, Carried::new(&target("long", "a"), "x".repeat(3000)));
    let passport = Passport::new(usual(), many.clone());
    let id = sealed(&seal, &passport);
    assert!((LONGEST - 100..=LONGEST).contains(&id.len()), "{}", id.len());
    let there = opened(&seal, &id, 0).expect("ours").carried;
    assert_eq!(there, passport.carried, "and it is known which");
    many.remove(1);
    assert!((15..30).contains(&there.len()) && there[..] == many[..there.len()], "{there:?}");
}

#[test]
fn a_client_that_says_too_much_stays_where_it_began() {
    let seal = Seal::random();
    let long = json!({ "name": "x".repeat(2000) });
    let id = sealed(&seal, &Passport::new(handshake(&json!({}), &long), Vec::new()));
    let Passport { handshake: talkative, .. } = opened(&seal, &id, 0).expect("ours");
    assert_eq!(talkative.caller.info, None);
    let much = json!({ "experimental": { "x": "x".repeat(2000) } });
    let id = sealed(&seal, &Passport::new(handshake(&much, &json!({})), carried(1)));
    assert!(opened(&seal, &id, 0).is_none());
    assert!(id.len() >= 22);
}

#[test]
fn what_is_sealed_by_us_and_is_no_passport_does_not_open() {
    let seal = Seal::random();
    let anyone = Principal::default();
    let purpose = Purpose::session("b", &anyone);
    for text in ["", "[]", "{}", "[1,2,3,4]", r#"["2026-07-28",{},null,[]]"#, r#"["2025-06-18",[],null,[]]"#]
    {
        let id = seal.seal(purpose, text.as_bytes(), at(1)).expect("a key");
        assert!(opened(&seal, &id, 0).is_none(), "{text}");
    }
}
