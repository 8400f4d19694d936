import TernDICOM
import Testing

@testable import TernDeidentification

struct DeidentifierTests {
    private func deidentifier() throws -> Deidentifier {
        Deidentifier(key: try #require(DeidentificationKey(bytes: [UInt8](repeating: 7, count: 32))), options: DeidentificationOptions())
    }

    /// A Part 10 file with a name, a private element, a sequence with a name in it and a picture of 2 by 2 pixels.
    private var file: [UInt8] {
        var writer = ElementWriter()
        writer.append(bytes: [UInt8](repeating: 0x55, count: 128) + Array("DICM".utf8))
        writer.write(DICOMTag(0x0002, 0x0010), .UI, text: "1.2.840.10008.1.2.1")
        writer.write(DICOMTag(0x0008, 0x0016), .UI, text: "1.2.840.10008.5.1.4.1.1.2")
        writer.write(DICOMTag(0x0008, 0x0018), .UI, text: "1.2.3")
        writer.write(DICOMTag(0x0008, 0x0060), .CS, text: "CT")
        writer.write(DICOMTag(0x0009, 0x0010), .LO, text: "SECRET")
        writer.write(DICOMTag(0x0010, 0x0010), .PN, text: "SECRET")
        writer.beginSequence(DICOMTag(0x0008, 0x1140))
        writer.beginItem()
        writer.write(DICOMTag(0x0008, 0x1155), .UI, text: "1.2.3")
        writer.write(DICOMTag(0x0040, 0xA160), .UT, text: "SECRET")
        writer.endItem()
        writer.endSequence()
        for (element, value) in [(0x0002, 1), (0x0010, 2), (0x0011, 2), (0x0100, 8), (0x0101, 8), (0x0102, 7), (0x0103, 0)] {
            writer.write(DICOMTag(0x0028, UInt16(element)), .US, [UInt8(value), 0])
        }
        writer.write(.pixelData, .OB, [1, 2, 3, 4])
        return writer.bytes
    }

    private func holds(_ bytes: [UInt8], _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
    }

    @Test func writesAFileWithoutTheName() throws {
        let output = try deidentifier().deidentify(file)
        #expect(!holds(output.bytes, "SECRET") && !holds(output.bytes, "1.2.3\0"))
        #expect(output.bytes[0..<128].allSatisfy { $0 == 0 } && output.bytes.suffix(4) == [1, 2, 3, 4])
        #expect(output.report.pixels.status == "notSearched" && output.report.actions.removedPrivate == 1)
        let again = try deidentifier().deidentify(output.bytes)
        #expect(again.report.actions.removedPrivate == 0)
    }

    @Test func everyPrefixIsAFileOrARefusal() throws {
        let file = file
        let deidentifier = try deidentifier()
        for count in 0..<file.count {
            do throws(DeidentificationError) {
                let output = try deidentifier.deidentify(Array(file[..<count]))
                #expect(!holds(output.bytes, "SECRET"), "\(count)")
            } catch {
                #expect(!error.message.isEmpty && !error.code.isEmpty)
            }
        }
    }

    @Test func everyFlippedBitIsAFileOrARefusal() throws {
        let file = file
        let deidentifier = try deidentifier()
        for offset in 132..<file.count {
            var damaged = file
            damaged[offset] ^= 1 << UInt8(offset % 8)
            _ = try? deidentifier.deidentify(damaged)
        }
    }

    @Test func eachRefusalIsReached() throws {
        let deidentifier = try deidentifier()
        let refusal = { (bytes: [UInt8]) -> String? in
            do throws(DeidentificationError) {
                _ = try deidentifier.deidentify(bytes)
                return nil
            } catch {
                return error.code
            }
        }
        let meta = { (syntax: String, rest: [UInt8]) -> [UInt8] in
            var writer = ElementWriter()
            writer.append(bytes: [UInt8](repeating: 0, count: 128) + Array("DICM".utf8))
            writer.write(DICOMTag(0x0002, 0x0010), .UI, text: syntax)
            return writer.bytes + rest
        }
        var head = ElementWriter()
        head.write(DICOMTag(0x0008, 0x0016), .UI, text: "1.2.840.10008.1.3.10")
        var image = ElementWriter()
        image.write(DICOMTag(0x0008, 0x0016), .UI, text: "1.2.840.10008.5.1.4.1.1.6.1")
        image.write(DICOMTag(0x0008, 0x0060), .CS, text: "US")
        image.write(DICOMTag(0x0028, 0x0010), .US, [2, 0])
        image.write(DICOMTag(0x0028, 0x0011), .US, [2, 0])
        image.write(DICOMTag(0x0028, 0x0100), .US, [8, 0])
        image.write(.pixelData, .OB, [1, 2])
        var name = ElementWriter()
        name.write(DICOMTag(0x0008, 0x0060), .CS, text: "US")
        #expect(refusal([1, 2, 3]) == "NOT-DICOM")
        #expect(refusal(meta("1.2.840.10008.1.2.1", head.bytes)) == "DICOMDIR")
        #expect(refusal(meta("1.2.840.10008.1.2.1", Array(head.bytes.dropLast()))) == "STRUCTURE")
        #expect(refusal(meta("1.2.840.10008.1.2.1.99", [0xFF, 0xFF, 0xFF])) == "DEFLATE")
        #expect(refusal(meta("1.2.840.10008.1.2.1", name.bytes)) == "NO-SOP-CLASS")
        #expect(refusal(meta("1.2.3", name.bytes)) == "TRANSFER-SYNTAX")
        #expect(refusal(meta("1.2.840.10008.1.2.1", image.bytes)) == "PIXELS-NOT-CLEANED")
        var strange = ElementWriter()
        strange.write(DICOMTag(0x0008, 0x0016), .UI, text: "1.2.840.10008.19700101")
        #expect(refusal(meta("1.2.840.10008.1.2.1", strange.bytes)) == "SOP-CLASS")
        #expect(refusal(meta("1.2.840.10008.1.2.4.50", image.bytes)) == "FRAMES-NOT-CLEANED")
    }
}
