//! The policy for pages of other origins.

use http::HeaderName;
use policy::cors::{Names, OriginPattern, Settings as CorsSettings};

use super::super::yaml::shorten;
use super::super::{document as said, units};
use super::{At, Check};

impl Check {
    pub(super) fn policies(
        &mut self,
        policies: Option<&said::Policies>,
        at: &At<'_>,
    ) -> Option<CorsSettings> {
        let said::Policies { cors } = policies?;
        Some(self.cors(cors.as_ref()?, &at.key("cors")))
    }

    fn cors(&mut self, cors: &said::Cors, at: &At<'_>) -> CorsSettings {
        let said::Cors {
            allow_origins,
            allow_headers,
            allow_methods,
            expose_headers,
            allow_credentials,
            max_age,
        } = cors;
        let mut origins = Vec::new();
        for (index, text) in allow_origins.iter().enumerate() {
            let at = at.key("allowOrigins").index(index);
            match OriginPattern::parse(text) {
                Ok(pattern) => origins.push(pattern),
                Err(_) => {
                    let hint = origin_hint(text, at.spelling().is_some());
                    self.fault(&at, format!("{} is not an origin", at.quote(text)), hint);
                }
            }
        }
        let headers = self.header_names(allow_headers.as_deref(), &at.key("allowHeaders"));
        let methods = match allow_methods {
            None => Names::default_methods(),
            Some(texts) => {
                let at = at.key("allowMethods");
                let named = texts.iter().enumerate().filter(|(_, text)| *text != "*");
                let methods = named.filter_map(|(index, text)| self.method(text, &at.index(index))).collect();
                if texts.iter().any(|text| text == "*") { Names::Any } else { Names::Only(methods) }
            }
        };
        let expose = self.header_names(expose_headers.as_deref(), &at.key("exposeHeaders"));
        let allow_credentials = allow_credentials.unwrap_or(false);
        if allow_credentials {
            let lists = [
                ("allowOrigins", Some(allow_origins), "name the origins that may send credentials"),
                ("allowHeaders", allow_headers.as_ref(), "name the headers"),
                ("allowMethods", allow_methods.as_ref(), "name the methods"),
                ("exposeHeaders", expose_headers.as_ref(), "name the headers"),
            ];
            for (key, list, remedy) in lists {
                for (index, _) in list.into_iter().flatten().enumerate().filter(|(_, text)| *text == "*") {
                    let message = "browsers refuse `*` together with `allowCredentials: true`";
                    self.fault(
                        &at.key(key).index(index),
                        message,
                        format!("{remedy}, or remove `allowCredentials`"),
                    );
                }
            }
        }
        let max_age = max_age.as_ref().and_then(|said::Quantity(text)| {
            let age = units::seconds(text);
            if age.is_none() {
                let at = at.key("maxAge");
                self.fault(
                    &at,
                    format!("{} is not a duration", at.quote(text)),
                    "write a number of seconds, or one with a unit, like `10m`",
                );
            }
            age
        });
        CorsSettings {
            allow_origins: origins,
            allow_headers: headers,
            allow_methods: methods,
            expose_headers: expose,
            allow_credentials,
            max_age,
        }
    }

    fn header_names(&mut self, texts: Option<&[String]>, at: &At<'_>) -> Names<HeaderName> {
        let mut names = Vec::new();
        let mut any = false;
        for (index, text) in texts.unwrap_or_default().iter().enumerate() {
            match text.parse() {
                _ if text == "*" => any = true,
                Ok(name) => names.push(name),
                Err(_) => {
                    let at = at.index(index);
                    self.fault(&at, format!("{} is not the name of a header", at.quote(text)), "");
                }
            }
        }
        if any { Names::Any } else { Names::Only(names) }
    }
}

/// What somebody wrote who meant an origin.
fn origin_hint(text: &str, secret: bool) -> String {
    let end = text.find("://").map_or(0, |scheme| scheme + 3);
    let tail = text[end..].find(['/', '?', '#']).map(|tail| end + tail);
    match tail {
        _ if secret => {}
        Some(tail) if OriginPattern::parse(&text[..tail]).is_ok() => {
            return format!("an origin has no path: write `{}`", shorten(&text[..tail]));
        }
        _ if text == "null" => {
            return "every sandboxed page has the origin `null`, so allowing it allows everyone".to_owned();
        }
        _ if end == 0 && OriginPattern::parse(&format!("https://{text}")).is_ok() => {
            return format!("say how it is reached: `https://{0}` or `http://{0}`", shorten(text));
        }
        _ => {}
    }
    "write it like `https://example.com`, `https://*.example.com` or `*`".to_owned()
}
