import TernImage
import TernJPEG2000
import TernJPEGLossless

extension Entry {
    init(_ error: JPEGLosslessError) {
        let damaged = "The lossless JPEG image is damaged"
        switch error {
        case .notAJPEGFile: self.init(.unreadable, "JPEG-DAMAGED", "Not a JPEG file")
        case .truncated(let offset):
            self.init(.unreadable, "JPEG-TRUNCATED", "The JPEG file ends before its image", "offset \(offset)")
        case .lineTruncated(let row, let column, let offset):
            self.init(.unreadable, "JPEG-TRUNCATED", "The JPEG file ends before its image", "row \(row), column \(column), offset \(offset)")
        case .moreSamplesThanData(let width, let height, let channels, let count):
            self.init(
                .unreadable, "JPEG-TRUNCATED", "The JPEG file ends before its image", "\(width) x \(height) x \(channels) samples in \(count) bytes")
        case .unexpectedMarker(let code, let offset): self.init(.unreadable, "JPEG-DAMAGED", damaged, "marker \(code) at \(offset)")
        case .segmentByteCount(let marker, let offset):
            self.init(.unreadable, "JPEG-DAMAGED", damaged, "length of segment \(marker) at \(offset)")
        case .huffmanTable(let offset): self.init(.unreadable, "JPEG-DAMAGED", damaged, "Huffman table at \(offset)")
        case .missingHuffmanTable(let index, let offset):
            self.init(.unreadable, "JPEG-DAMAGED", damaged, "no Huffman table \(index) for the scan at \(offset)")
        case .scanHeader(let offset): self.init(.unreadable, "JPEG-DAMAGED", damaged, "scan header at \(offset)")
        case .restartInterval(let count, let line): self.init(.unreadable, "JPEG-DAMAGED", damaged, "restart interval \(count), line \(line)")
        case .invalidCode(let row, let column, let offset):
            self.init(.unreadable, "JPEG-DAMAGED", damaged, "no code at row \(row), column \(column), offset \(offset)")
        case .sampleOutOfRange(let row): self.init(.unreadable, "JPEG-DAMAGED", damaged, "a sample of row \(row) is out of range")
        case .extraData(let offset): self.init(.unreadable, "JPEG-DAMAGED", damaged, "data left at \(offset)")
        case .restartMarker(let row, let offset):
            self.init(.unreadable, "JPEG-DAMAGED", damaged, "restart marker before row \(row), offset \(offset)")
        case .missingComponent(let index): self.init(.unreadable, "JPEG-DAMAGED", damaged, "component \(index) is missing")
        case .unsupportedProcess(let marker):
            self.init(.unfit, "JPEG-PROCESS", "The JPEG process is not read", "frame marker \(hexadecimal(0xFF00 | UInt16(marker)))")
        case .precision(let bits): self.init(.unreadable, "JPEG-DAMAGED", damaged, "\(bits) bits")
        case .unsupportedComponents(let count):
            self.init(.unfit, "JPEG-COMPONENTS", "The JPEG file is neither grey nor RGB", "\(count) components")
        case .unsupportedSampling: self.init(.unfit, "JPEG-SAMPLING", "Lossless JPEG of reduced components is not read")
        case .heightUnknown: self.init(.unfit, "JPEG-HEIGHT", "JPEG with its height behind the image is not read")
        case .shape(let error): self.init(error)
        }
    }

    init(_ error: JPEG2000Error) {
        let damaged = "The JPEG 2000 image is damaged"
        switch error {
        case .notAJPEG2000File: self.init(.unreadable, "J2K-DAMAGED", "Not a JPEG 2000 image")
        case .truncated(let offset): self.init(.unreadable, "J2K-TRUNCATED", "The JPEG 2000 image ends early", "offset \(offset)")
        case .missingTile(let index): self.init(.unreadable, "J2K-TRUNCATED", "The JPEG 2000 image ends early", "tile \(index) is incomplete")
        case .unexpectedMarker(let code, let offset):
            self.init(.unreadable, "J2K-DAMAGED", damaged, "marker \(hexadecimal(code)) at \(offset)")
        case .segment(let marker, let offset): self.init(.unreadable, "J2K-DAMAGED", damaged, "segment \(hexadecimal(marker)) at \(offset)")
        case .box(let offset): self.init(.unreadable, "J2K-DAMAGED", damaged, "box at \(offset)")
        case .tilePart(let offset): self.init(.unreadable, "J2K-DAMAGED", damaged, "tile-part at \(offset)")
        case .corrupt: self.init(.unreadable, "J2K-DAMAGED", damaged, "OpenJPEG refuses its data")
        case .precision(let bits): self.init(.unfit, "J2K-PRECISION", "JPEG 2000 of more than 16 bits is not read", "\(bits) bits")
        case .unsupportedComponents(let count):
            self.init(.unfit, "J2K-COMPONENTS", "The JPEG 2000 image is neither grey nor RGB", "\(count) components")
        case .unsupported(let feature): self.init(.unfit, "J2K-FEATURE", "A feature of the JPEG 2000 image is not read", feature.text)
        case .shape(let error): self.init(error)
        case .tooMany(let bound, let count, let limit):
            self.init(.tooLarge, "J2K-TOO-LARGE", "The JPEG 2000 image asks for too much", "\(count) \(bound.text), limit \(limit)")
        case .outOfMemory: self.init(.tooLarge, "IMAGE-TOO-LARGE", "The image is too large")
        }
    }
}

extension JPEG2000Error.Feature {
    fileprivate var text: String {
        switch self {
        case .highThroughput: "high throughput"
        case .extensions: "extensions of part 2"
        case .packedHeaders: "packed packet headers"
        case .progressionChange: "changes of the progression"
        case .componentSampling: "components of different sampling or depth"
        case .palette: "palette or unusual channels"
        case .luminanceChrominance: "luminance and chrominance"
        }
    }
}

extension JPEG2000Error.Bound {
    fileprivate var text: String {
        switch self {
        case .samples: "samples"
        case .tiles: "tiles"
        case .precincts: "precincts"
        case .packets: "packets"
        case .codeBlocks: "code blocks"
        case .progressionSteps: "progression steps"
        }
    }
}
