import TernBytes
import TernConvertTesting
import TernEngine
import TernKernels
import TernModel
import TernPlatform
import TernWriter
import Testing

@testable import TernConvert

/// Operating points and feature statistics, from description and checkpoint to the file and its score.
@Suite struct MeasuredTests {
    private static let width = 32
    private static let points = """
        [{"name": "specific", "threshold": 0.8, "sensitivity": {"value": 0.7, "low": 0.6, "high": 0.8},
          "specificity": {"value": 0.95, "low": 0.9, "high": 0.97}, "positives": 389, "negatives": 135},
         {"name": "balanced", "threshold": 0.4, "sensitivity": {"value": 0.9, "low": 0.85, "high": 0.93},
          "specificity": {"value": 0.9, "low": 0.84, "high": 0.94}, "positives": 389, "negatives": 135}]
        """
    private static let gate = #"{"threshold": 1.7, "residualPrecision": 12.5, "falseAlarmRate": 0.01}"#

    /// A description of Tests/Vectors/TernConvert with other labels, and with what is added to it.
    private func description(_ name: String, label: String = "", _ more: [(String, String)] = []) throws -> ModelDescription {
        var members = try #require(try CheckpointCase.document(name).members)
        members.removeAll { $0.key == "labels" }
        for (key, text) in [("labels", "[{\"name\": \"other\", \"index\": 1, \"report\": false}, {\"name\": \"first\", \"index\": 0\(label)}]")] + more {
            members.append(JSONMember(key, try JSONValue(parsing: Array(text.utf8))))
        }
        return try ModelDescription(parsing: .object(members))
    }

    /// The checkpoint with tensors added at its end.
    private func checkpoint(_ name: String, adding tensors: [(name: String, shape: [Int], values: [Float])]) throws -> Safetensors {
        let old = try CheckpointCase.bytes(name + ".safetensors")
        let count = (0..<8).reduce(0) { $0 | Int(old[$1]) << (8 * $1) }
        var header = String(decoding: old[8..<(8 + count)], as: UTF8.self)
        while header.last != "}" { header.removeLast() }
        header.removeLast()
        var data = Array(old[(8 + count)...])
        for tensor in tensors {
            let start = data.count
            for value in tensor.values { for shift in [0, 8, 16, 24] { data.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) } }
            header += ",\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(data.count)]}"
        }
        header += "}"
        let head = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        return try Safetensors(validating: try MappedFile(copying: head + Array(header.utf8) + data))
    }

    private static func statistics(count: Int = width, rank: Int = 2) -> [(name: String, shape: [Int], values: [Float])] {
        [
            ("feature_statistics.mean", [count], (0..<count).map { Float($0) / 64 }), ("feature_statistics.precision", [rank], [0.5, 2].prefix(rank) + []),
            ("feature_statistics.basis", [rank, count], (0..<rank).flatMap { axis in (0..<count).map { $0 == axis ? 1 : 0 } }),
        ]
    }

    private func convert(_ checkpoint: Safetensors, _ description: ModelDescription, _ weights: WeightFormat) throws -> ModelFile {
        try ModelWriter.check(try Converter.convert(checkpoint, description: description, options: Converter.Options(weights: weights)))
    }

    @Test func theFileSaysWhatTheDescriptionSays() throws {
        let description = try description(
            "vit", label: ", \"operatingPoint\": \"balanced\", \"operatingPoints\": \(Self.points)", [("operatingPointsMeasuredOn", "\"validation\"")])
        let file = try convert(try checkpoint("vit", adding: []), description, .int8)
        #expect(file.operatingPoints.map(\.name) == ["balanced", "specific"] && file.operatingPoints.map(\.labelIndex) == [1, 1])
        #expect(file.operatingPoints[1].specificity == MeasuredShare(value: 0.95, low: 0.9, high: 0.97))
        #expect(file.operatingPoints[1].positives == 389 && file.operatingPoints[1].negatives == 135)
        #expect(file.operatingPointsMeasuredOn == "validation" && file.featureStatistics == nil)
        #expect(file.labels.labels[1].threshold == 0.4 && file.labels.labels[1].operatingPoint == "balanced")
    }

    /// The class token's norm is joined to the head in an inference that nobody observes; with "mean" a pool comes before the head.
    @Test(arguments: ["vit", "vit-mean"], [WeightFormat.int8, .f32])
    func theScoreIsThatOfThePooledFeature(name: String, weights: WeightFormat) throws {
        let file = try convert(
            try checkpoint(name, adding: Self.statistics()), try description(name, [("outOfDistribution", Self.gate)]), weights)
        let statistics = try #require(file.featureStatistics)
        #expect(statistics.count == Self.width && statistics.rank == 2 && statistics.threshold == 1.7 && statistics.residualPrecision == 12.5)
        #expect(!String(decoding: file.card.array, as: UTF8.self).contains("\"rotated\":true"))
        let engine = try Engine(model: file, instructionSet: .best, threadCount: 2)
        let input = (0..<engine.inputCount).map { Float($0 % 17) / 8 - 1 }
        var output = [Float](repeating: 0, count: file.header.outputCount)
        var span = output.mutableSpan
        var feature: [Float] = []
        var place = file.operations.count - 2
        if case .layerNorm = file.operations[place].operation { place -= 1 }
        try engine.infer(input.span, into: &span) { if $0 == place { feature = engine.copyOutput(of: $0) } }
        let observed = try #require(engine.featureScore)
        try engine.infer(input.span, into: &span)
        #expect(engine.featureScore?.bitPattern == observed.bitPattern)
        #expect(feature.count == Self.width)
        let differences = feature.enumerated().map { Double($1) - Double($0) / 64 }
        let sum = 0.5 * differences[0] * differences[0] + 2 * differences[1] * differences[1] + 12.5 * differences[2...].reduce(0) { $0 + $1 * $1 }
        #expect((Double(observed) - (sum / Double(Self.width)).squareRoot()).magnitude < 1e-4 * Double(observed))
    }

    @Test func withoutStatisticsNothingChanges() throws {
        let file = try convert(try checkpoint("vit", adding: []), try description("vit"), .int8)
        #expect(file.featureStatistics == nil && Array(file.fileBytes.array[10..<12]) == [0, 0])
        #expect(String(decoding: file.card.array, as: UTF8.self).contains("\"rotated\":true"))
    }

    @Test func tensorsAndKeyGoTogether() throws {
        func message(_ tensors: [(name: String, shape: [Int], values: [Float])], _ more: [(String, String)], name: String = "vit") throws -> String {
            let (file, description) = (try checkpoint(name, adding: tensors), try description(name, more))
            let error = #expect(throws: ConvertError.self) { try convert(file, description, .int8) }
            return "\(try #require(error))"
        }
        let gate = [("outOfDistribution", Self.gate)]
        #expect(try message(Self.statistics(), []).contains("has the tensor feature_statistics.mean, but the description has no \"outOfDistribution\""))
        #expect(try message([], gate).contains("has no tensor feature_statistics.mean"))
        #expect(try message(Array(Self.statistics().dropLast()), gate).contains("has no tensor feature_statistics.basis"))
        #expect(try message(Self.statistics(count: 31), gate).contains("feature_statistics.mean has shape [31], expected [32]"))
        var skewed = Self.statistics()
        skewed[2].shape = [1, 64]
        #expect(try message(skewed, gate).contains("expected [2, 32]"))
        skewed = Self.statistics()
        skewed[2].values[0] = 0.5
        #expect(try message(skewed, gate).contains("featureStatistics"))
        #expect(try message(Self.statistics() + [("feature_statistics.other", [1], [1])], gate).contains("feature_statistics.other"))
        #expect(try message(Self.statistics(), gate, name: "deit").contains("distillation"))
    }

    @Test(arguments: [
        (#", "operatingPoints": POINTS"#, "\"validation\"", "labels[1].operatingPoint"),
        (#", "operatingPoint": "none", "operatingPoints": POINTS"#, "\"validation\"", "labels[1].operatingPoint"),
        (#", "operatingPoint": "balanced", "threshold": 0.5, "operatingPoints": POINTS"#, "\"validation\"", "labels[1].threshold"),
        (#", "operatingPoint": "balanced", "operatingPoints": POINTS"#, nil, "operatingPointsMeasuredOn"),
        ("", "\"validation\"", "operatingPoints"),
        (#", "operatingPoint": "a", "operatingPoints": [{"name": "a"}]"#, "\"validation\"", "labels[1].operatingPoints[0].threshold"),
        (#", "operatingPoint": "a", "operatingPoints": [{"name": "a", "threshold": 2}]"#, "\"validation\"", "labels[1].operatingPoints[0].threshold"),
        (
            #", "operatingPoint": "a", "operatingPoints": [{"name": "a", "threshold": 0.5, "sensitivity": {"value": 0.5, "low": 0.6, "high": 0.7}}]"#,
            "\"validation\"", "labels[1].operatingPoints[0].sensitivity"
        ),
    ] as [(String, String?, String)])
    func namesTheKeyThatIsWrong(label: String, measuredOn: String?, key: String) throws {
        let more = measuredOn.map { [("operatingPointsMeasuredOn", $0)] } ?? []
        let error = #expect(throws: ConvertError.self) {
            try description("vit", label: label.replacing("POINTS", with: Self.points), more)
        }
        #expect("\(try #require(error))".contains(key))
    }

    @Test(arguments: [
        #"{"threshold": 0, "residualPrecision": 1, "falseAlarmRate": 0}"#, #"{"threshold": 1, "falseAlarmRate": 0}"#, "1",
        #"{"threshold": 1, "residualPrecision": 1, "falseAlarmRate": 2}"#,
    ])
    func namesTheKeyOfTheGate(text: String) throws {
        let error = #expect(throws: ConvertError.self) { try description("vit", [("outOfDistribution", text)]) }
        #expect("\(try #require(error))".contains("outOfDistribution"))
    }

    @Test func theFileHasTheRulesOfTheDescription() throws {
        let rules = #"[{"criterion": "contrast", "threshold": 9.5, "cases": 624, "refused": 2}, {"criterion": "viewPosition", "allowed": "AP,PA", "cases": 0, "refused": 0}]"#
        let text = #"{"measuredOn": "test", "cases": 624, "refused": 2, "rules": \#(rules)}"#
        let file = try convert(try checkpoint("vit", adding: []), try description("vit", [("qualityGate", text)]), .int8)
        let found = try #require(file.qualityRules)
        #expect(found.rules.map(\.criterion) == [.viewPosition, .contrast] && found.measuredOn == "test" && found.cases == 624 && found.refused == 2)
        #expect(found.rules[0].text == "AP,PA" && found.rules[1].threshold == 9.5 && found.rules[1].cases == 624)
    }

    @Test(arguments: [
        (#"1"#, "qualityGate"), (#"{"measuredOn": "test", "cases": 0, "refused": 0, "rules": []}"#, "qualityGate.cases"),
        (#"{"measuredOn": "test", "cases": 9, "refused": 10, "rules": []}"#, "qualityGate.refused"),
        (#"{"measuredOn": "test", "cases": 9, "refused": 0, "rules": []}"#, "qualityGate.rules"),
        (#"RULE"criterion": "sharpness", "threshold": 1, "cases": 9, "refused": 0}]}"#, "rules[0].criterion"),
        (#"RULE"criterion": "blur", "threshold": 1.5, "cases": 9, "refused": 0}]}"#, "rules[0].threshold"),
        (#"RULE"criterion": "blur", "threshold": 0.5, "cases": 0, "refused": 0}]}"#, "rules[0].cases"),
        (#"RULE"criterion": "viewPosition", "cases": 0, "refused": 0}]}"#, "rules[0].allowed"),
        (#"RULE"criterion": "lossyCompression", "cases": 0, "refused": 0}, {"criterion": "lossyCompression", "cases": 0, "refused": 0}]}"#, "qualityGate.rules"),
    ])
    func namesTheKeyOfTheRules(text: String, key: String) throws {
        let whole = text.replacing("RULE", with: #"{"measuredOn": "test", "cases": 9, "refused": 0, "rules": [{"#)
        let error = #expect(throws: ConvertError.self) { try description("vit", [("qualityGate", whole)]) }
        #expect("\(try #require(error))".contains(key))
    }

    @Test func theFileHasTheScoresOfTheDescription() throws {
        let labels = #"[{"name": "first", "edges": [0.25, 1], "counts": [200, 24, 400]}]"#
        let text = #"{"measuredOn": "test", "cases": 624, "labels": \#(labels)}"#
        let file = try convert(try checkpoint("vit", adding: []), try description("vit", [("scoreReference", text)]), .int8)
        let found = try #require(file.scoreReference)
        #expect(found.measuredOn == "test" && found.cases == 624 && found.labels.count == 1)
        #expect(found.labels.first?.edges == [0.25, 1] && found.labels.first?.counts == [200, 24, 400])
    }

    @Test(arguments: [
        (#"1"#, "scoreReference"), (#"{"measuredOn": "test", "cases": 0, "labels": []}"#, "scoreReference.cases"),
        (#"{"measuredOn": "test", "cases": 9, "labels": []}"#, "scoreReference.labels"),
        (#"LABEL"name": "measles", "edges": [0.5], "counts": [4, 5]}]}"#, "labels[0].name"),
        (#"LABEL"name": "other", "edges": [0.5], "counts": [4, 5]}]}"#, "labels[0].name"),
        (#"LABEL"name": "first", "edges": [], "counts": [9]}]}"#, "labels[0].counts"),
        (#"LABEL"name": "first", "edges": [0.5], "counts": [4, 4]}]}"#, "labels[0].counts"),
        (#"LABEL"name": "first", "edges": [0.5], "counts": [9, 0]}]}"#, "labels[0].counts"),
        (#"LABEL"name": "first", "edges": [0.5], "counts": [4.5, 4.5]}]}"#, "labels[0].counts"),
        (#"LABEL"name": "first", "edges": [0.5, 0.6], "counts": [4, 5]}]}"#, "labels[0].edges"),
        (#"LABEL"name": "first", "edges": [0.5, 0.5], "counts": [4, 4, 1]}]}"#, "labels[0].edges"),
        (#"LABEL"name": "first", "edges": [0], "counts": [4, 5]}]}"#, "labels[0].edges"),
        (#"LABEL"name": "first", "edges": [0.5], "counts": [4, 5]}, {"name": "first", "edges": [0.5], "counts": [4, 5]}]}"#, "scoreReference.labels"),
    ])
    func namesTheKeyOfTheScores(text: String, key: String) throws {
        let whole = text.replacing("LABEL", with: #"{"measuredOn": "test", "cases": 9, "labels": [{"#)
        let error = #expect(throws: ConvertError.self) { try description("vit", [("scoreReference", whole)]) }
        #expect("\(try #require(error))".contains(key))
    }
}
