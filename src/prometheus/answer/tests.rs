//! Answers as servers write them, and what is none.

use crate::prometheus::testing::answer;

/// Every sample as a text.
fn samples(body: &str) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let read = answer(body).samples(|labels, time, value| {
        all.push(format!("{labels} {time} {value}"));
    });
    read.map(|()| all).map_err(|error| error.to_string())
}

#[test]
fn vectors_and_matrices() {
    let rows = [
        (
            "a vector",
            r#"{"status":"success","data":{"resultType":"vector","result":[
                {"metric":{"pod":"a","resource":"cpu"},"value":[1.5,"0.1"]},
                {"metric":{},"value":[2,"1e3"]}]}}"#,
            vec!["{pod=\"a\", resource=\"cpu\"} 1.5 0.1", "{} 2 1000"],
        ),
        (
            "a matrix",
            r#"{"status":"success","data":{"resultType":"matrix","result":[
                {"metric":{"a":"b"},"values":[[1,"2"],[3,"4"]]}]}}"#,
            vec!["{a=\"b\"} 1 2", "{a=\"b\"} 3 4"],
        ),
        (
            "escapes",
            r#"{"status":"success","data":{"resultType":"vector","result":[
                {"metric":{"p":"a\"\u00e4\\"},"value":[1,"2"]}]}}"#,
            vec!["{p=\"a\\\"ä\\\\\"} 1 2"],
        ),
        (
            "nothing",
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            vec![],
        ),
        (
            "members that are new, and another order",
            r#"{"data":{"analysis":{},"result":[{"metric":{"a":"b"},"value":[1,"2"]}],"resultType":"vector"},"status":"success","new":1}"#,
            vec!["{a=\"b\"} 1 2"],
        ),
    ];
    for (name, body, expected) in rows {
        assert_eq!(samples(body).unwrap(), expected, "{name}");
    }
}

#[test]
fn what_is_no_number_is_named() {
    for value in ["NaN", "+Inf", "-Inf", "1e999"] {
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[
                {{"metric":{{"pod":"a"}},"value":[1,"1"]}},{{"metric":{{"pod":"b"}},"value":[1,"{value}"]}}]}}}}"#
        );
        let error = samples(&body).unwrap_err();
        assert_eq!(error, format!("{{pod=\"b\"}} is {value}"));
    }
}

#[test]
fn other_forms_are_refused() {
    let rows = [
        (
            "a text for a number",
            r#"[{"metric":{},"value":[1,"one"]}]"#,
        ),
        (
            "a native histogram",
            r#"[{"metric":{},"histogram":[1,{}]}]"#,
        ),
        ("a scalar", r#"[1796000000,"1"]"#),
        ("values before labels", r#"[{"value":[1,"1"],"metric":{}}]"#),
        ("a number that is none", r#"[{"metric":{},"value":[1,1]}]"#),
    ];
    for (name, result) in rows {
        let body =
            format!(r#"{{"status":"success","data":{{"resultType":"x","result":{result}}}}}"#);
        assert!(samples(&body).is_err(), "{name}");
    }
}
