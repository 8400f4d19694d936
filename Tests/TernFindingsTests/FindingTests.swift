import Testing
import TernFindings

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
            + #""quality":{"assessed":false,"width":2,"height":3,"channels":1,"bitsStored":12},"#
            + #""findings":[{"label":"a","code":{"scheme":"SCT","value":"1","meaning":"A"},"score":0.25,"calibrated":true,"#
            + #""operatingPoint":"p","threshold":0.5,"call":"negative","tier":"high"}],"outOfDistribution":null,"#
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
        #expect(text.contains(#""input":{"kind":null,"sha256":null},"status":"failed","reason":{"scheme":"99TERN","value":"EMPTY","meaning":"No bytes"}"#))
        #expect(text.contains(#""quality":{"assessed":false},"findings":[]"#))
        #expect(text.hasSuffix(#""digest":null}"#))
    }
}
