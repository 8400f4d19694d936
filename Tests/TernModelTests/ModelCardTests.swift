import TernBytes
import TernModel
import Testing

@Suite struct ModelCardTests {
    private func card(_ text: String) -> ModelCard { ModelCard(reading: Array(text.utf8).rawBytes) }

    @Test func textsAndLimitsAreRead() {
        let card = card(
            #" {"seeds": [1, {"title": "no"}, "]"], "title":"A \"b\" \u00e9\ud83d\ude00\n", "metrics": {"auc": 0.9, "limits": ["no"]}, "intendedUse": "use","#
                + #""limits": ["one", 2, ["x"], "two"], "notIntendedUse": "not", "clinicalUse": false}"#)
        #expect(card.title == "A \"b\" é😀\n" && card.intendedUse == "use" && card.notIntendedUse == "not")
        #expect(card.limits == ["one", "two"])
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{\"title\"", "{\"title\":", "{\"title\":1}", "{\"title\":{\"a\":[}", "{\"title\":\"a", "{\"title\":\"\\", "{\"limits\":[",
        "{\"limits\":[\"a\"", "{\"a\":}", "{\"a\":]]]]", "{\"a\":,\"title\":\"x\"", "{\"title\":\"\\ud800\"", "{\"limits\":[,,,]",
    ])
    func whatIsNoCardGivesNothingAndEnds(text: String) {
        let card = card(text)
        #expect(card.limits.count <= 1 && card.title.utf8.count <= 3 && card.intendedUse.isEmpty)
    }

    @Test func deepNestingIsSkipped() {
        let deep = String(repeating: "[", count: 200_000)
        #expect(card("{\"x\":" + deep + String(repeating: "]", count: 200_000) + ",\"title\":\"t\"}").title == "t")
        #expect(card("{\"limits\":" + deep).limits.isEmpty)
    }

    @Test func limitsAreBounded() {
        let text = "{\"limits\":[" + [String](repeating: "\"l\"", count: 100).joined(separator: ",") + "],\"title\":\"t\"}"
        #expect(card(text).limits.count == ModelCard.limitCount && card(text).title == "t")
    }
}
