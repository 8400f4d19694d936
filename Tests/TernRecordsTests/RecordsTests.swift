import TernFindings
import TernImage
import Testing

@testable import TernRecords
@testable import TernWords

/// Texts from a fixed sequence: letters, delimiters of both forms, control characters, and what lies outside the basic plane.
struct TextSource {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "9", "|", "^", "&", "~", "\\", "<", ">", "\"", "'", "\r", "\n", "\u{0}", "\u{1F}", "\u{7F}", "\u{85}", "\u{2028}", "\u{202E}", "肺", "é", "😀",
            "\u{FFFE}", ".", "b", "r",
        ]
        var text = ""
        for _ in 0..<Int(random() % 24) { text.unicodeScalars.append(scalars[Int(random() % UInt64(scalars.count))]) }
        return text
    }

    private mutating func random() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}

@Suite struct EscapingTests {
    @Test func hl7TextComesBack() {
        var source = TextSource(seed: 7)
        for _ in 0..<2_000 {
            let text = source.next()
            let escaped = hl7Escaped(text)
            #expect(!escaped.unicodeScalars.contains { "|^&~\r\n".unicodeScalars.contains($0) || $0.value < 0x20 })
            let parts = escaped.split(separator: "\\", omittingEmptySubsequences: false)
            // Between an odd and an even escape sign stands one letter.
            #expect(parts.count % 2 == 1)
            var plain = ""
            for (index, part) in parts.enumerated() {
                plain += index % 2 == 0 ? String(part) : ["F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"][String(part)] ?? "?"
            }
            #expect(plain == oneLine(text))
        }
    }

    @Test func aSegmentIsOneLineWhateverItsFieldsAre() {
        var source = TextSource(seed: 11)
        for _ in 0..<500 {
            var text = HL7Text()
            text.begin("OBX")
            let parts = [source.next() + "x", source.next() + "x", source.next() + "x"]
            text.field(parts[0])
            text.field(parts: [parts[1], parts[2]])
            text.empty(3)
            text.end()
            #expect(text.text.unicodeScalars.filter { $0 == "\r" }.count == 1)
            #expect(text.text.utf8.filter { $0 == 0x7C }.count == 2)
            #expect(text.text.utf8.filter { $0 == 0x5E }.count == 1)
        }
    }

    /// The data type NM knows no exponent.
    @Test(arguments: [
        (0.5, "0.5"), (0, "0.0"), (0.00001, "0.00001"), (1.5e-7, "0.00000015"), (-2.25e-6, "-0.00000225"), (3e20, "300000000000000000000"), (1, "1.0"),
    ] as [(Float, String)])
    func numbersHaveNoExponent(_ number: Float, _ text: String) {
        #expect(hl7Number(number) == text && Float(text) == number)
    }

    @Test func tagsAreText() {
        var source = TextSource(seed: 13)
        for _ in 0..<2_000 {
            let text = source.next()
            let result = escaped(oneLine(text))
            #expect(!result.unicodeScalars.contains { $0 == "<" || $0 == ">" || $0 == "\u{FFFE}" })
        }
        #expect(escaped("a<b>&amp;") == "a&lt;b&gt;&amp;amp;")
    }

    /// RFC 4648 section 10.
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")])
    func base64OfTheStandard(_ pair: (String, String)) { #expect(base64(Array(pair.0.utf8)) == pair.1) }
}

@Suite struct RecordTests {
    static func result() -> FindingResult {
        var input = InputReference(kind: .dicom, sha256: "ab12", sopInstanceUID: "2.25.7")
        var attributes = ImageAttributes()
        attributes.studyInstanceUID = "2.25.8"
        attributes.seriesInstanceUID = "Doe^Jane"
        input.attributes = attributes
        var result = FindingResult(
            sequence: 1, id: "8b0c", time: "2026-11-22T04:05:06.789Z", model: model.reference, input: input, status: .succeeded)
        result.outputDigest = "ef"
        result.findings = [
            Finding(
                label: "pneumonia", code: CodedTerm(scheme: "SCT", value: "233604007", meaning: "Pneumonia"), score: 0.7, isCalibrated: true,
                operatingPoint: "balanced", threshold: 0.225)
        ]
        return result
    }
    static let model = ReportModel(reference: ModelReference(name: "chest", version: "1.0", digest: "cd34", keyIdentifier: nil))

    static func json(_ result: FindingResult, _ evidence: Evidence? = nil) -> String {
        String(decoding: FHIRBundle.json(of: result, model: model, evidence: evidence), as: UTF8.self)
    }

    @Test func identifiersComeFromTheContent() {
        let first = RecordIdentifier(Self.result())
        var again = Self.result()
        again.id = "other"
        again.time = "2027-01-01T00:00:00Z"
        #expect(first.text("report") == RecordIdentifier(again).text("report"))
        #expect(first.text("report") != first.text("device"))
        var changes: [FindingResult] = []
        for _ in 0..<5 { changes.append(Self.result()) }
        changes[0].input.sha256 = "ab13"
        changes[1].outputDigest = "ee"
        changes[2].findings[0].threshold = 0.25
        changes[3].status = .partiallySucceeded
        changes[4].model.digest = "cd35"
        let texts = changes.map { RecordIdentifier($0).text("report") } + [first.text("report")]
        #expect(Set(texts).count == 6)
        // RFC 9562: version 8, variant 10.
        for text in texts {
            let bytes = Array(text.utf8)
            #expect(bytes.count == 36 && bytes[14] == 0x38 && [0x38, 0x39, 0x61, 0x62].contains(bytes[19]))
        }
    }

    @Test func whatIsNoIdentifierIsLeftOut() {
        for text in ["", "Doe^Jane", "1..2", "1.", "1.02", String(repeating: "1", count: 65), "1.a"] {
            var result = Self.result()
            result.input.attributes?.studyInstanceUID = text
            result.input.sopInstanceUID = text
            #expect(RecordStudy(result.input).studyInstanceUID == nil)
            #expect(!Self.json(result).contains("imagingStudy"))
        }
        let text = HL7Message.text(of: Self.result(), model: Self.model)
        #expect(text.contains("110180^Study Instance UID^DCM||2.25.8") && !text.contains("Doe"))
    }

    @Test func regionsAndMapsAreExtensions() {
        var result = Self.result()
        result.findings[0].location = FindingLocation(
            method: .patchShares,
            regions: [
                FindingRegion(
                    box: PixelRectangle(x: 1, y: 2, width: 3, height: 4), share: 0.4,
                    millimetres: .init(x: 0.5, y: 1, width: 1.5, height: 2, isAtDetector: true), side: .left)
            ])
        let map = LocationMap(
            method: .patchShares, label: "pneumonia", columns: 2, rows: 1, values: [0.25, -0.0000015], area: PixelRectangle(x: 0, y: 0, width: 8, height: 4))
        let evidence = Evidence(frame: 1, picture: ShownImage(width: 1, height: 1, channels: 1, samples: [0]), maps: [map])
        let text = Self.json(result, evidence)
        #expect(text.contains(#"{"url":"share","valueDecimal":0.4},{"url":"side","valueCode":"left"}"#))
        #expect(text.contains(#"{"url":"scale","valueCode":"detector"}"#))
        #expect(text.contains(#""factor":0.000001,"dimensions":2,"data":"250000 -2"}"#))
        #expect(HL7Message.text(of: result, model: Self.model).contains("|NA|region^Column, row, width, height in pixels; share^99TERN|1|1^2^3^4^0.4|"))
    }

    @Test func conformalSetsAreTold() {
        var result = Self.result()
        result.conformal = ConformalSet(level: 0.9, labels: ["pneumonia"])
        #expect(Self.json(result).contains(#""display":"Label is possible at that level"}]},"valueBoolean":true"#))
        let text = HL7Message.text(of: result, model: Self.model)
        #expect(text.contains("|NM|conformal-level^Level of the conformal set^99TERN||0.9|"))
        #expect(text.contains("|ST|conformal-label^Label that is possible at that level^99TERN||pneumonia|"))
    }

    @Test func aRepeatedResultSaysWhich() {
        var result = Self.result()
        result.findings = []
        result.answeredFrom = EarlierResult(id: "9d1e", sequence: 4, members: [])
        #expect(Self.json(result).contains(#""status":"unknown""#))
        #expect(!Self.json(result).contains("conclusionCode"))
        #expect(HL7Message.text(of: result, model: Self.model).contains("OBX|1|ST|repeats^Repeats the result with this identifier^99TERN||9d1e|"))
    }

    @Test func timesAreUniversal() {
        let text = HL7Message.text(of: Self.result(), model: Self.model)
        #expect(text.hasPrefix("MSH|^~\\&|TERN||||20261122040506+0000||ORU^R01^ORU_R01|"))
    }
}
