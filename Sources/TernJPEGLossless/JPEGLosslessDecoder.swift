import TernBytes
public import TernImage

/// Decodes JPEG images of process 14 (lossless, sequential, Huffman), every selection value.
public enum JPEGLosslessDecoder {
    /// Decodes one image.
    ///
    /// - Shapes: 1 or 3 channels as stored, interleaved in the order of the frame header; no colour transformation is undone. 8-bit samples
    ///   up to a precision of 8, else 16-bit ones.
    /// - Range: 0 ... 2^precision - 1, the point transform undone by a shift.
    /// - Throws: `JPEGLosslessError`; nothing is repaired. Bytes behind the end of image are ignored: DICOM pads fragments.
    /// - Source: ITU-T T.81 (1992), annexes B, C, F.2.2 and H.
    public static func decode(_ bytes: RawSpan) throws(JPEGLosslessError) -> DecodedImage {
        var markers = MarkerReader()
        let frame = try markers.readFrame(bytes)
        let samples: DecodedImage.Samples =
            frame.precision <= 8
            ? .uint8(try decodeScans(&markers, frame, bytes)) : .uint16(try decodeScans(&markers, frame, bytes))
        return DecodedImage(
            width: frame.width, height: frame.height, channels: frame.identifiers.count, bitsStored: frame.precision, samples: samples,
            greyscale: nil)
    }

    private static func decodeScans<Sample: FixedWidthInteger & UnsignedInteger>(
        _ markers: inout MarkerReader, _ frame: Frame, _ bytes: RawSpan
    ) throws(JPEGLosslessError) -> [Sample] {
        let channels = frame.identifiers.count
        var samples = [Sample](repeating: 0, count: frame.width * frame.height * channels)
        var isDecoded = [Bool](repeating: false, count: channels)
        while let scan = try markers.readScan(bytes, frame: frame) {
            for component in scan.firstComponent..<scan.firstComponent + scan.componentCount {
                guard !isDecoded[component] else { throw .scanHeader(offset: markers.offset) }
                isDecoded[component] = true
            }
            try decodeScan(scan, into: &samples, &markers, frame, bytes)
        }
        if let missing = isDecoded.firstIndex(of: false) { throw .missingComponent(index: missing) }
        return samples
    }

    private static func decodeScan<Sample: FixedWidthInteger & UnsignedInteger>(
        _ scan: ScanHeader, into samples: inout [Sample], _ markers: inout MarkerReader, _ frame: Frame, _ bytes: RawSpan
    ) throws(JPEGLosslessError) {
        let linesPerInterval = try markers.linesPerInterval(width: frame.width)
        var decoder = LineDecoder(
            tables: try markers.tables(of: scan), width: frame.width, selection: scan.selection, bits: frame.precision - scan.shift,
            offset: markers.offset)
        var nextMarker: UInt8 = 0xD0
        for row in 0..<frame.height {
            let isFirst = row == 0 || linesPerInterval.map { row % $0 == 0 } == true
            if isFirst, row > 0 {
                let offset = try decoder.finishInterval(from: bytes)
                try markers.passRestart(nextMarker, row: row, at: offset, bytes)
                decoder.startInterval(at: markers.offset)
                nextMarker = nextMarker == 0xD7 ? 0xD0 : nextMarker + 1
            }
            try decoder.decodeLine(row, isFirst: isFirst, from: bytes)
            store(decoder.line, row, scan, frame, into: &samples)
        }
        markers.offset = try decoder.finishInterval(from: bytes)
    }

    private static func store<Sample: FixedWidthInteger & UnsignedInteger>(
        _ line: [UInt16], _ row: Int, _ scan: ScanHeader, _ frame: Frame, into samples: inout [Sample]
    ) {
        let channels = frame.identifiers.count
        // A scan of all components is a line as it is stored; a scan of one of three fills every third place.
        let step = scan.componentCount == channels ? 1 : channels
        let start = row * frame.width * channels + (step == 1 ? 0 : scan.firstComponent)
        let shift = UInt16(scan.shift)
        let source = line.span
        var target = samples.mutableSpan
        for index in 0..<source.count {
            target[start &+ index &* step] = Sample(truncatingIfNeeded: source[index] &<< shift)
        }
    }
}
