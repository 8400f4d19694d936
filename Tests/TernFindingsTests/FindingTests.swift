import TernFindings
import TernImage
import Testing

@Suite struct FindingTests {
    @Test func positiveAtTheThreshold() {
        #expect(Call(score: 0.5, threshold: 0.5) == .positive)
        #expect(Call(score: Float(0.5).nextDown, threshold: 0.5) == .negative)
        #expect(Call(score: 1, threshold: nil) == .review)
    }

    @Test(arguments: [
        (0.5, 0.5, Tier.review), (0.549, 0.5, .review), (0.55, 0.5, .medium), (0.749, 0.5, .medium), (0.75, 0.5, .high), (1, 0.5, .high),
        (0.45, 0.5, .medium), (0.25, 0.5, .high), (0, 0.5, .high), (0.97, 0.9, .high), (0.5, 0.9, .medium), (0.44, 0.9, .high),
        (1, 1, .review), (0, 0, .review), (0.5, 0, .high), (0.99, 1, .review), (0.4, 1, .high),
    ] as [(Float, Float, Tier)])
    func tierIsTheShareOfTheWayToTheEnd(score: Float, threshold: Float, tier: Tier) {
        #expect(Tier(score: score, threshold: threshold) == tier)
    }

    @Test func withoutThresholdAPersonDecides() { #expect(Tier(score: 0.99, threshold: nil) == .review) }

    private static let model = ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil)

    @Test func aResultIsOneLineWithEveryField() {
        var result = FindingResult(
            sequence: 7, id: "i", time: "t", model: Self.model, input: InputReference(kind: .dicom, sha256: "bb", sopInstanceUID: "1.2", frame: 1),
            status: .succeeded)
        result.findings = [
            Finding(
                label: "a", code: CodedTerm(scheme: "SCT", value: "1", meaning: "A"), score: 0.25, isCalibrated: true, operatingPoint: "p",
                threshold: 0.5)
        ]
        result.quality = ImageQuality(width: 2, height: 3, channels: 1, bitsStored: 12)
        result.outputDigest = "cc"
        let expected =
            #"{"schema":"tern.result/1","sequence":7,"id":"i","time":"t","#
            + #""model":{"name":"m","version":"1","digest":"aa","signature":"unsigned","keyId":null},"#
            + #""input":{"kind":"dicom","sha256":"bb","sopInstanceUID":"1.2","frame":1},"status":"succeeded","reason":null,"#
            + #""answer":{"value":"no_finding","reason":null},"#
            + #""quality":{"assessed":false,"width":2,"height":3,"channels":1,"bitsStored":12},"#
            + #""findings":[{"label":"a","code":{"scheme":"SCT","value":"1","meaning":"A"},"score":0.25,"calibrated":true,"#
            + #""operatingPoint":"p","threshold":0.5,"operatingPointConfirmed":true,"call":"negative","tier":"high"}],"outOfDistribution":null,"#
            + #""timing":{"decode_us":0,"prepare_us":0,"infer_us":0,"total_us":0},"digest":"cc"}"# + "\n"
        #expect(String(decoding: result.line(), as: UTF8.self) == expected)
        #expect(expected.hasPrefix(FindingResult.linePrefix + "7,"))
    }

    @Test func aFlaggedImageHasFindingsForReviewOnly() {
        var result = FindingResult(
            sequence: 1, id: "i", time: "t", model: Self.model, input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
        for isFlagged in [false, true] {
            result.outOfDistribution = OutOfDistribution(score: isFlagged ? 2.5 : 1.25, threshold: 1.75, isFlagged: isFlagged)
            result.findings = [
                Finding(
                    label: "a", code: nil, score: 0.99, isCalibrated: true, operatingPoint: "p", threshold: 0.5, isOutOfDistribution: isFlagged)
            ]
            let text = String(decoding: result.json(), as: UTF8.self)
            #expect(text.contains(isFlagged ? #""call":"review","tier":"review"}]"# : #""call":"positive","tier":"high"}]"#))
            let verdict = isFlagged ? #"{"score":2.5,"threshold":1.75,"flagged":true},"# : #"{"score":1.25,"threshold":1.75,"flagged":false},"#
            #expect(text.contains(#""outOfDistribution":"# + verdict))
        }
        result.outOfDistribution = OutOfDistribution(score: .nan, threshold: 1.75, isFlagged: true)
        #expect(String(decoding: result.json(), as: UTF8.self).contains(#"{"score":null,"threshold":1.75,"flagged":true}"#))
    }

    @Test func aFailureNamesItsReasonAndASignedModelItsKey() {
        var model = Self.model
        model.keyIdentifier = "dd"
        let result = FindingResult(
            sequence: 1, id: "i", time: "t", model: model, input: InputReference(kind: nil, sha256: nil), status: .failed,
            reason: CodedTerm(scheme: "99TERN", value: "EMPTY", meaning: "No bytes"))
        let text = String(decoding: result.json(), as: UTF8.self)
        #expect(text.contains(#""signature":"valid","keyId":"dd""#))
        #expect(text.contains(#""input":{"kind":null,"sha256":null},"status":"failed","reason":{"scheme":"99TERN","value":"EMPTY","meaning":"No bytes"},"#
            + #""answer":{"value":"not_analysed","reason":{"scheme":"99TERN","value":"EMPTY","meaning":"No bytes"}}"#))
        #expect(text.contains(#""quality":{"assessed":false},"findings":[]"#))
        #expect(text.hasSuffix(#""digest":null}"#))
    }

    private func json(_ change: (inout FindingResult) -> Void) -> String {
        var result = FindingResult(
            sequence: 1, id: "i", time: "t", model: Self.model, input: InputReference(kind: .dicom, sha256: "bb"), status: .succeeded)
        change(&result)
        return String(decoding: result.json(), as: UTF8.self)
    }

    @Test func whatTheFileSaysOfItsPictureIsCarried() {
        var attributes = ImageAttributes()
        attributes.photometricInterpretation = "MONOCHROME1"
        attributes.pixelSpacing = ImageAttributes.Spacing(row: 0.5, column: 0.25)
        attributes.imagerPixelSpacing = ImageAttributes.Spacing(row: 0.125, column: 0.125)
        attributes.pixelAspectRatio = ImageAttributes.AspectRatio(vertical: 4, horizontal: 3)
        attributes.laterality = "L"
        attributes.viewPosition = "PA"
        attributes.hasBurnedInAnnotation = false
        attributes.isLossyCompressed = true
        let expected =
            #""image":{"photometricInterpretation":"MONOCHROME1","pixelSpacing":[0.5,0.25],"imagerPixelSpacing":[0.125,0.125],"#
            + #""pixelAspectRatio":[4,3],"laterality":"L","viewPosition":"PA","burnedInAnnotation":false,"lossy":true}"#
        #expect(json { $0.input.attributes = attributes }.contains(expected))
        #expect(!json { $0.input.attributes = ImageAttributes() }.contains("image"))
        #expect(json { ($0.input.attributes, $0.input.orientation) = (ImageAttributes(), "assumed") }.contains(#""image":{"orientation":"assumed","lossy":false}"#))
    }

    @Test func wordsThatAreNoDefinedTermsAreNotRepeated() {
        var attributes = ImageAttributes()
        (attributes.photometricInterpretation, attributes.laterality, attributes.viewPosition) = ("DOE", "JANE", "DOE^JANE")
        attributes.isLossyCompressed = true
        #expect(json { $0.input.attributes = attributes }.contains(#""image":{"lossy":true}"#))
    }

    @Test func whichValuesWereShownIsSaid() {
        let window = DecodedImage.Window(centre: 40, width: 400, function: .linearExact)
        let table = DecodedImage.LookupTable(firstInput: 0, bits: 8, entries: [0, 1])
        for (grey, expected) in [
            (GreyReference(voi: nil), #"{"kind":"full"}"#),
            (
                GreyReference(voi: .window(window), source: .file, count: 3),
                #"{"kind":"window","function":"linear_exact","centre":40.0,"width":400.0,"source":"file","index":1,"of":3}"#
            ),
            (
                GreyReference(voi: .window(DecodedImage.Window(centre: 1, width: 2)), source: .model),
                #"{"kind":"window","function":"linear","centre":1.0,"width":2.0,"source":"model"}"#
            ),
            (GreyReference(voi: .table(table), source: .file, count: 1), #"{"kind":"table","source":"file","index":1,"of":1}"#),
        ] {
            #expect(json { $0.input.grey = grey }.contains(#""voi":"# + expected))
        }
    }

    @Test func severalFramesAreOneLine() {
        func finding(_ score: Float, _ label: String) -> Finding {
            Finding(label: label, code: nil, score: score, isCalibrated: true, operatingPoint: "p", threshold: 0.5)
        }
        var frames = [FrameResult(frame: 2, timeMilliseconds: 40), FrameResult(frame: 4), FrameResult(frame: 6)]
        for (index, scores) in [[Float(0.25), 0.75], [0.5, 0.75]].enumerated() {
            frames[2 * index].status = .succeeded
            frames[2 * index].findings = [finding(scores[0], "a"), finding(scores[1], "b")]
            frames[2 * index].outputDigest = "d\(index)"
        }
        frames[0].quality = ImageQuality(width: 2, height: 3, channels: 1, bitsStored: 12)
        frames[0].quality?.isAssessed = true
        frames[0].quality?.measures = [ImageQuality.Measure(name: "blur", value: 0.5), ImageQuality.Measure(name: "text", value: nil)]
        frames[1].reason = CodedTerm(scheme: "99TERN", value: "X", meaning: "No")
        let text = json { result in
            result.status = .partiallySucceeded
            result.input.frames = FramesReference(count: 9, first: 2, last: 6, stride: 2, frameTimeMilliseconds: 40)
            result.input.frames?.analysed = 2
            result.frames = frames
            result.findings = FindingResult.highestFindings(of: frames)
        }
        #expect(text.contains(#""frames":{"count":9,"first":2,"last":6,"stride":2,"analysed":2,"frameTimeMilliseconds":40.0}"#))
        #expect(text.contains(#""status":"partially_succeeded""#))
        // Of b both frames have the score: the first counts.
        #expect(text.contains(#""label":"a","code":null,"score":0.5,"calibrated":true,"operatingPoint":"p","threshold":0.5,"operatingPointConfirmed":true,"call":"positive","tier":"review","frame":6}"#))
        #expect(text.contains(#""threshold":0.5,"operatingPointConfirmed":true,"call":"positive","tier":"high","frame":2}],"outOfDistribution":null,"frames":["#))
        #expect(
            text.contains(
                #"{"frame":2,"timeMilliseconds":40.0,"status":"succeeded","quality":{"assessed":true,"width":2,"height":3,"channels":1,"bitsStored":12,"blur":0.5,"text":null},"#
                    + #""findings":[{"label":"a","score":0.25,"call":"negative","tier":"high"},{"label":"b","score":0.75,"call":"positive","tier":"high"}],"#
                    + #""outOfDistribution":null,"digest":"d0"}"#))
        #expect(
            text.contains(
                #"{"frame":4,"status":"failed","reason":{"scheme":"99TERN","value":"X","meaning":"No"},"quality":{"assessed":false},"findings":[],"outOfDistribution":null,"digest":null}"#
            ))
        #expect(!text.dropLast().contains("\n"))
    }

    @Test func flaggedFramesDoNotHideTheOthers() throws {
        func frame(_ number: Int, _ score: Float, flagged: Bool) -> FrameResult {
            var frame = FrameResult(frame: number)
            frame.status = .succeeded
            frame.outOfDistribution = OutOfDistribution(score: flagged ? 9 : 1, threshold: 2, isFlagged: flagged)
            frame.findings = [
                Finding(
                    label: "a", code: nil, score: score, isCalibrated: true, operatingPoint: "p", threshold: 0.25, isOutOfDistribution: flagged)
            ]
            return frame
        }
        let mixed = [frame(1, 0.3, flagged: false), frame(2, 0.48, flagged: true), frame(3, 0.1, flagged: false)]
        let finding = try #require(FindingResult.highestFindings(of: mixed).first)
        #expect(finding.frame == 1 && finding.call == .positive)
        let negative = try #require(FindingResult.highestFindings(of: [frame(1, 0.9, flagged: true), frame(2, 0.1, flagged: false)]).first)
        #expect(negative.frame == 2 && negative.call == .negative)
        let none = try #require(FindingResult.highestFindings(of: [frame(1, 0.3, flagged: true), frame(2, 0.48, flagged: true)]).first)
        #expect(none.frame == 2 && none.call == .review)
        let text = json { result in
            var frames = FramesReference(count: 3, first: 1, last: 3, stride: 1)
            (frames.analysed, frames.flagged) = (3, 1)
            result.input.frames = frames
        }
        #expect(text.contains(#""stride":1,"analysed":3,"flagged":1}"#))
    }

    @Test func theModalityIsSaidWithItsSource() {
        for (modality, expected) in [
            (ModalityReference(value: "US", source: .file, isChecked: true), #"{"value":"US","source":"file","checked":true}"#),
            (ModalityReference(value: "MR", source: .caller, isChecked: true), #"{"value":"MR","source":"caller","checked":true}"#),
            (ModalityReference(value: nil, source: nil, isChecked: false), #"{"value":null,"source":null,"checked":false}"#),
            (ModalityReference(value: "DOE JOHN", source: .file, isChecked: false), #"{"value":null,"source":"file","checked":false}"#),
        ] {
            #expect(json { $0.input.modality = modality }.contains(#""modality":"# + expected))
        }
    }

    /// A line of the most frames and findings that a study may have is shorter than what the findings file takes back.
    @Test func theLongestResultFitsItsLine() {
        let label = String(repeating: "\"", count: 47)
        let findings = (0..<16).map { _ in
            Finding(label: label, code: CodedTerm(scheme: label, value: label, meaning: label + label), score: -1.17549435e-38, isCalibrated: false, operatingPoint: label, threshold: 0.5)
        }
        var frame = FrameResult(frame: 1 << 20, timeMilliseconds: -1.7976931348623157e308)
        frame.findings = findings
        frame.outOfDistribution = OutOfDistribution(score: -1.17549435e-38, threshold: -1.17549435e-38, isFlagged: false)
        frame.outputDigest = String(repeating: "f", count: 64)
        frame.quality = ImageQuality(width: 16_384, height: 16_384, channels: 1, bitsStored: 16)
        frame.quality?.measures = (0..<7).map { _ in ImageQuality.Measure(name: "saturation", value: -1.17549435e-38) }
        let text = json { result in
            result.frames = [FrameResult](repeating: frame, count: FrameResult.limitCount)
            result.findings = findings
        }
        #expect(findings.count * FrameResult.limitCount == FrameResult.limitFindingCount)
        #expect(text.utf8.count < 2 << 20)
    }
}
