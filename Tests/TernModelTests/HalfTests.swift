import TernBytes
import TernModel
import TernWriter
import Testing

@Suite struct HalfTests {
    @Test func fillsMayNameTensorsOfBinary16() throws {
        let draft = try SampleModel.halfDraft()
        let bytes = try ModelWriter.bytes(of: draft)
        let file = try load(bytes)
        #expect(bytes[8..<16].elementsEqual([1, 0, 2, 0, 2, 0, 0, 0]))
        #expect(file.tensors[0].elementType == .f16 && file.tensors[0].byteCount == 16 && file.tensors[0].elementCount == 8)
        // -0.5, -0.375 and -0.25 by the definition of binary16.
        #expect(file.bytes(ofTensor: 0).array.prefix(6) == [0x00, 0xB8, 0x00, 0xB6, 0x00, 0xB4])
        #expect(ModelDraft(file) == draft)
    }

    @Test func bothFeaturesGoTogether() throws {
        var draft = try SampleModel.halfDraft()
        draft.golden = [GoldenVector(seed: 7, output: [0.25, -0.5])]
        let bytes = try ModelWriter.bytes(of: draft)
        #expect(bytes[8..<16].elementsEqual([1, 0, 2, 0, 3, 0, 0, 0]))
        #expect(ModelDraft(try load(bytes)) == draft)
    }

    @Test func filesWithoutItStayAsTheyWere() throws {
        #expect(try SampleModel.bytes()[8..<16].elementsEqual([1, 0, 0, 0, 0, 0, 0, 0]))
    }
}
