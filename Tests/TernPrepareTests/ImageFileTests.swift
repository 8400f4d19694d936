import TernBytes
import TernDICOM
import TernImage
import TernImageTesting
import TernJPEG
import TernNIfTI
import TernPNG
import TernPrepare
import TernZlib
import Testing

@Test func recognisesAndDecodesEveryGoldenFile() throws {
    for (folder, kind) in [("TernJPEG", ImageKind.jpeg), ("TernPNG", .png), ("TernDICOM", .dicom)] {
        let vectors = try ImageVectors(folder)
        for item in vectors.cases where item.refused == nil && item.frames == nil {
            let bytes = try vectors.bytes(item.file)
            #expect(ImageKind(recognising: bytes.rawBytes) == kind, "\(item.file)")
            let file = try ImageFile(parsing: bytes.rawBytes, as: kind)
            // This also decodes the JPEG inside DICOM, which must be what pydicom and Pillow give.
            #expect(try file.frame(0, of: bytes.rawBytes) == vectors.expectedImage(item), "\(item.file)")
            #expect(file.frameCount == 1 && (file.sopInstanceUID != nil) == (kind == .dicom))
            #expect(file.attributes.isLossyCompressed || kind != .jpeg)
        }
    }
}

@Test func recognisesNothingInOtherBytes() {
    for bytes in [[], [0xFF], [UInt8]("a text file, long enough for every mark".utf8), [UInt8](repeating: 0, count: 200)] {
        #expect(ImageKind(recognising: bytes.rawBytes) == nil)
    }
}

@Test func refusesAFrameThatContradictsItsDataSet() throws {
    let vectors = try ImageVectors("TernDICOM")
    var bytes = try vectors.bytes("jpeg_grey.dcm")
    // (0028,0010) US 2 bytes: 31 rows become 30.
    let rows: [UInt8] = [0x28, 0, 0x10, 0, 0x55, 0x53, 2, 0, 31, 0]
    let start = try #require((0..<(bytes.count - rows.count)).first { Array(bytes[$0..<($0 + rows.count)]) == rows })
    bytes[start + 8] = 30
    #expect(throws: PrepareError.dicom(.frameDiffersFromDataSet)) {
        try ImageFile(parsing: bytes.rawBytes, as: .dicom).frame(0, of: bytes.rawBytes)
    }
}

@Test func givesEveryErrorAClassACodeAndASentence() {
    let tag = DICOMTag(0x0028, 0x0010)
    let shape = ImageLimitError.sideTooLong(width: 60_000, height: 60_000, limit: 16_384)
    let errors: [(PrepareError, PrepareError.Category)] = [
        (.unknownKind, .unknownKind), (.dicom(.frameDiffersFromDataSet), .unreadable), (.modalityMissing, .unfit), (.modalityDiffers, .unfit),
        (.noRescaledValues, .unfit), (.jpeg(.notAJPEGFile), .unreadable), (.jpeg(.invalid(message: 1)), .unreadable),
        (.jpeg(.corrupt(message: 1)), .unreadable), (.jpeg(.truncated(byteCount: 5)), .unreadable), (.jpeg(.unsupportedComponents), .unfit),
        (.jpeg(.arithmeticCoding), .unknownKind), (.jpeg(.shape(shape)), .tooLarge),
        (.jpeg(.morePixelsThanData(width: 1, height: 2, byteCount: 3)), .unreadable),
        (.jpeg(.coefficientsTooLarge(width: 1, height: 2, limitBytes: 3)), .tooLarge), (.jpeg(.tooManyScans(limit: 32)), .tooLarge),
        (.png(.notAPNGFile), .unreadable), (.png(.invalid), .unreadable), (.png(.truncated(byteCount: 3)), .unreadable), (.png(.notOpaque), .unfit),
        (.png(.shape(.emptySide(width: 0, height: 0))), .unreadable), (.png(.shape(.tooManyBytes(width: 1, height: 2, byteCount: 4, limit: 3))), .tooLarge),
        (.png(.morePixelsThanData(width: 1, height: 2, byteCount: 3)), .unreadable), (.png(.outOfMemory), .tooLarge),
        (.dicom(.notADICOMFile), .unreadable), (.dicom(.truncated(offset: 1, needed: 2, available: 0)), .unreadable),
        (.dicom(.unknownValueRepresentation(tag: tag, offset: 4)), .unreadable), (.dicom(.oddByteCount(tag: tag, offset: 4)), .unreadable),
        (.dicom(.undefinedLength(tag: tag, offset: 4)), .unreadable), (.dicom(.unexpectedTag(tag: tag, offset: 4)), .unreadable),
        (.dicom(.sequencesTooDeep(offset: 4, limit: 16)), .unreadable), (.dicom(.repeatedElement(tag: tag)), .unreadable),
        (.dicom(.invalidValue(tag: tag)), .unreadable), (.dicom(.missingElement(tag: tag)), .unreadable), (.dicom(.noPixelData), .unfit),
        (.dicom(.tooManyFrames(2, limit: 1)), .unfit), (.dicom(.noSuchFrame(2, count: 1)), .unfit),
        (.dicom(.frameCount(expected: 2, actual: 1)), .unreadable), (.dicom(.runLength), .unreadable),
        (.dicom(.deflate), .unreadable), (.dicom(.inflatedTooLarge(limit: 5)), .tooLarge),
        (.dicom(.unsupportedPixels(.indirectPalette)), .unfit), (.dicom(.unsupportedPixels(.floatingPoint)), .unfit),
        (.dicom(.unsupportedPixels(.signedColour)), .unfit),
        (.dicom(.unsupportedPixels(.photometricInterpretation)), .unfit), (.dicom(.unsupportedPixels(.samplesPerPixel(4))), .unfit),
        (.dicom(.unsupportedPixels(.bits(allocated: 32, stored: 32, high: 31))), .unfit),
        (.dicom(.unsupportedPixels(.depth(allocated: 16, stored: 16))), .unfit), (.dicom(.unsupportedGreyscale(tag: tag)), .unfit),
        (.nifti(.notANIfTIFile), .unreadable), (.nifti(.analyzeFormat), .unfit), (.nifti(.halfOfAPair), .unfit), (.nifti(.notAPairHeader), .unreadable),
        (.nifti(.compressed(.truncated(byteCount: 1))), .unreadable), (.nifti(.compressed(.tooManyBytes(limit: 1))), .unreadable),
        (.nifti(.compressed(.damaged(offset: 1))), .unreadable), (.nifti(.truncatedHeader(byteCount: 1)), .unreadable),
        (.nifti(.samplesMissing(needed: 2, available: 1)), .unreadable), (.nifti(.trailingBytes(count: 2, limit: 1)), .unreadable),
        (.nifti(.dimension(axis: 1, count: 0)), .unreadable), (.nifti(.dataOffset), .unreadable), (.nifti(.intercept), .unreadable),
        (.nifti(.tooManyAxes(axis: 5, count: 3)), .unfit), (.nifti(.oneAxis), .unfit), (.nifti(.datatype(code: 32)), .unfit),
        (.nifti(.tooManyBytes(byteCount: 2, limit: 1)), .tooLarge), (.nifti(.orientation), .unfit), (.nifti(.notFinite(frame: 3)), .unfit),
        (.nifti(.shape(shape)), .tooLarge),
        (.dicom(.shape(shape)), .tooLarge), (.dicom(.pixelDataByteCount(expected: 2, actual: 1)), .unreadable),
    ]
    for (error, category) in errors {
        #expect(error.category == category, "\(error)")
        #expect(error.reason.scheme == "99TERN")
        // SH and LO limits of a DICOM code.
        #expect((1...16).contains(error.reason.value.count) && (1...64).contains(error.reason.meaning.count))
        #expect(error.message.hasSuffix("."))
    }
    #expect(PrepareError.dicom(.missingElement(tag: tag)).message == "A DICOM element is missing: (0028,0010).")
}

@Test func namesTheTransferSyntaxThatIsNotRead() throws {
    let bytes = try ImageVectors("TernDICOM").bytes("refused_jpeg_ls.dcm")
    let error = #expect(throws: PrepareError.self) {
        try ImageFile(parsing: bytes.rawBytes, as: .dicom).frame(0, of: bytes.rawBytes)
    }
    #expect(error?.category == .unfit)
    #expect(error?.message == "The DICOM transfer syntax is not read: 1.2.840.10008.1.2.4.80 JPEG-LS Lossless.")
}

@Test func readsTheFramesOfAVolumeAndOfAPair() throws {
    let bytes = try ImageVectors.bytes("volumes.nii", of: "TernNIfTI")
    #expect(ImageKind(recognising: bytes.rawBytes) == .nifti)
    let file = try ImageFile(parsing: bytes.rawBytes, as: .nifti)
    #expect(file.frameCount == 12 && file.kind == .nifti && file.orientation == .sform && file.sopInstanceUID == nil)
    #expect(try file.frame(0, of: bytes.rawBytes) != file.frame(11, of: bytes.rawBytes))
    let header = try ImageVectors.bytes("pair.hdr", of: "TernNIfTI")
    let data = try ImageVectors.bytes("pair.img", of: "TernNIfTI")
    #expect(throws: PrepareError.nifti(.halfOfAPair)) { try ImageFile(parsing: header.rawBytes, as: .nifti) }
    let pair = try ImageFile(pairHeader: header.rawBytes, data: data.rawBytes)
    #expect(try pair.frame(1, of: data.rawBytes).samples.count == 12)
    let isHeader = ImageFile.isPairHeader(header.rawBytes)
    let isOther = ImageFile.isPairHeader(bytes.rawBytes)
    #expect(isHeader && !isOther)
}
