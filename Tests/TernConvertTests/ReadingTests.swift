import TernConvertTesting
import TernModel
import Testing

@testable import TernConvert

/// `readingRules` of a description.
@Suite struct ReadingTests {
    private static let labels = """
        [{"name": "other", "index": 1, "report": false}, {"name": "first", "index": 0, "report": true, "operatingPoint": "even", "threshold": 0.5}]
        """
    private static let tiers = """
        "negativeHigh": 0.0625, "negativeMedium": 0.25, "positiveMedium": 0.75, "positiveHigh": null,
        "high": {"positive": [0, 0], "negative": [40, 41]}, "medium": {"positive": [7, 9], "negative": [5, 8]}, "review": {"positive": [1, 2], "negative": [3, 3]}
        """

    private func rules(_ text: String, labels: String = labels) throws -> ReadingRules? {
        var members = try #require(try CheckpointCase.document("vit").members)
        members.removeAll { $0.key == "labels" || $0.key == "output" }
        for (key, value) in [
            ("labels", labels), ("output", #"{"activation": "softmax"}"#), ("readingRules", "{\"chosenOn\": \"validation\", \"measuredOn\": \"test\"" + text + "}"),
        ] {
            members.append(JSONMember(key, try JSONValue(parsing: Array(value.utf8))))
        }
        return try ModelDescription(parsing: .object(members)).readingRules
    }

    @Test func theRulesAreThoseOfTheDescription() throws {
        let digits = String(repeating: "ab", count: 32)
        let found = try #require(
            try rules(
                #", "confirmation": "\#(digits)", "region": {"key": "chest", "code": {"scheme": "SCT", "value": "816094009", "meaning": "Chest"}}, "conformalLevel": 0.9,"#
                    + #""labels": [{"name": "first", "structure": "lungs", "chineseName": "肺炎", "tiers": {\#(Self.tiers)}, "conformal": {"least": 0.125, "cases": 9, "covered": 8}},"#
                    + #"{"name": "other", "conformal": {"least": 0, "cases": 3, "covered": 3}}]"#))
        #expect(found.confirmation == [UInt8](repeating: 0xAB, count: 32) && found.region == "chest" && found.regionCode?.meaning == "Chest")
        #expect(found.conformalLevel == 0.9 && found.labels[0].conformal == ConformalRule(least: 0, cases: 3, covered: 3))
        let first = found.labels[1]
        #expect(first.structure == "lungs" && first.chineseName == "肺炎" && first.conformal?.least == 0.125)
        #expect(first.tiers?.negativeMedium == 0.25 && first.tiers?.positiveHigh == TierRules.noPositive)
        #expect(first.tiers?.counts.map(\.right) == [0, 40, 7, 5, 1, 3] && first.tiers?.counts.map(\.cases) == [0, 41, 9, 8, 2, 3])
        #expect(try rules("")?.labels == [LabelRules(), LabelRules()])
    }

    @Test(arguments: [
        (#", "confirmation": "ab""#, "readingRules.confirmation"), (#", "confirmation": 7"#, "readingRules.confirmation"),
        (#", "region": {"key": "肺"}"#, "肺"), (#", "region": "chest""#, "readingRules.region"), (#", "region": {"key": "chest", "code": {"scheme": "SCT"}}"#, "region.code.value"),
        (#", "conformalLevel": 1"#, "readingRules.conformalLevel"), (#", "conformalLevel": 0.9"#, "readingRules.labels"),
        (#", "labels": [{"name": "measles"}]"#, "labels[0].name"), (#", "labels": [{"name": "first"}, {"name": "first"}]"#, "labels[1].name"),
        (#", "labels": [{"name": "other", "tiers": {}}]"#, "labels[0].tiers"), (#", "labels": [{"name": "first", "conformal": {}}]"#, "labels[0].conformal"),
        (#", "labels": [{"name": "first", "tiers": {"negativeHigh": -0.5}}]"#, "tiers.negativeHigh"),
        (#", "labels": [{"name": "first", "tiers": {"negativeHigh": 0.5, "negativeMedium": 0.25}}]"#, "tiers.negativeMedium"),
        (#", "labels": [{"name": "first", "tiers": {"high": {"positive": [3, 2]}}}]"#, "tiers.high.positive"),
        (#", "labels": [{"name": "first", "tiers": {"high": {"positive": [1, 2], "negative": [1]}}}]"#, "tiers.high.negative"),
    ])
    func namesTheKeyOfTheRules(text: String, key: String) throws {
        let error = #expect(throws: (any Error).self) { try rules(text) }
        #expect("\(try #require(error))".contains(key))
    }
}
