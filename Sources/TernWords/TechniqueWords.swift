import TernFindings
import TernImage

extension WordsText {
    /// How the image was made, whether it is fit, and what read it.
    mutating func writeTechnique(_ result: FindingResult, _ model: ReportModel) {
        if result.answeredFrom == nil {
            writeImage(result)
            writeFrames(result)
            writeGrey(result.input.grey)
            writeQuality(result)
            writeDistribution(result)
        }
        writeInput(result.input)
        writeModel(model)
        say("Read at: ", "分析时间：")
        add(result.time)
        say("; result ", "；结果编号 ")
        add(result.id)
        stop()
        endLine()
    }

    private mutating func writeImage(_ result: FindingResult) {
        let input = result.input
        say("Image: ", "图像：")
        switch input.kind {
        case .dicom: add("DICOM")
        case .jpeg: add("JPEG")
        case .png: add("PNG")
        case .nifti: add("NIfTI")
        case nil: writeUnknownKind(result)
        }
        writeModality(input.modality)
        writeAttributes(input.attributes)
        if let quality = result.quality {
            comma()
            number(quality.width)
            add(" × ")
            number(quality.height)
            quality.channels > 1 ? say(" pixels, colour, ", " 像素，彩色，") : say(" pixels, grey, ", " 像素，灰度，")
            number(quality.bitsStored)
            say(" bits stored", " 位")
        } else {
            comma()
            say("not decoded", "未能解码")
        }
        stop()
        endLine()
    }

    /// Only of bytes that were read can be said that they are of no known kind.
    private mutating func writeUnknownKind(_ result: FindingResult) {
        if result.input.pixels != nil {
            say("a picture without a file", "无文件的图像帧")
        } else if case .notAnalysed(let reason) = result.answer, reason.value.utf8.elementsEqual("NOT-OPENED".utf8) {
            say("a file that could not be opened", "无法打开的文件")
        } else if result.input.sha256 == nil {
            say("a file that was not read", "未读取的文件")
        } else {
            say("a file of no known kind", "未知格式的文件")
        }
    }

    private mutating func writeModality(_ modality: ModalityReference?) {
        guard let modality else { return }
        comma()
        guard let term = modality.value, isModalityTerm(term.utf8) else { return say("modality not stated", "检查类型未标明") }
        let name = term.twoWords(in: modalityTable)
        if let name {
            say(name.english + " (", name.chinese + "（")
            add(term)
        } else {
            say("modality " + term + " (", "检查类型 " + term + "（")
        }
        if name != nil { comma() }
        modality.source == .caller ? say("as the sender states", "由发送方声明") : say("as the file states", "文件标明")
        if !modality.isChecked {
            comma()
            say("not compared with the model's", "未与模型核对")
        }
        say(")", "）")
    }

    private mutating func writeAttributes(_ attributes: ImageAttributes?) {
        guard let attributes else { return }
        if let view = attributes.viewPosition?.twoWords(in: viewTable) {
            comma()
            say(view.english, view.chinese)
        }
        if let side = attributes.laterality?.twoWords(in: sideTable) {
            comma()
            say(side.english, side.chinese)
        }
        if attributes.isLossyCompressed {
            comma()
            say("compressed with loss", "有损压缩")
        }
        if attributes.hasBurnedInAnnotation == true {
            comma()
            say("with burned-in annotation", "含烧录标注")
        }
    }

    private mutating func writeFrames(_ result: FindingResult) {
        guard let frames = result.input.frames else { return }
        say("Frames: ", "帧：")
        say("the file has ", "文件共 ")
        number(frames.count)
        say("; looked at ", " 帧；所选为第 ")
        number(frames.first)
        say(" to ", " 至 ")
        number(frames.last)
        say(", step ", " 帧，步长 ")
        number(frames.stride)
        say("; analysed ", "；已分析 ")
        number(frames.analysed)
        say("", " 帧")
        if let milliseconds = frames.frameTimeMilliseconds {
            say("; time from frame to frame ", "；帧间隔 ")
            number(milliseconds)
            say(" ms", " 毫秒")
        }
        stop()
        endLine()
        writeRefusedFrames(result.frames)
    }

    /// Each reason with the frames it was given for, as they follow each other.
    private mutating func writeRefusedFrames(_ frames: [FrameResult]) {
        var told: [CodedTerm] = []
        for frame in frames where frame.status != .succeeded {
            guard let reason = frame.reason, !told.contains(reason) else { continue }
            told.append(reason)
            say("Not analysed: frame ", "未分析：第 ")
            var count = 0
            for other in frames where other.status != .succeeded && other.reason == reason {
                count += 1
                if count > Self.limitNamedFrames { continue }
                if count > 1 { listComma() }
                number(other.frame)
            }
            if count > Self.limitNamedFrames { say(" and others", " 等") }
            say(": ", " 帧，原因：")
            self.reason(reason)
            stop()
            endLine()
        }
    }

    /// So many frames are named with a reason.
    private static var limitNamedFrames: Int { 16 }

    private mutating func writeGrey(_ grey: GreyReference?) {
        guard let grey else { return }
        say("Grey values: ", "灰度显示：")
        switch grey.voi {
        case nil, .unusable: say("full range of the stored values", "存储值全范围")
        case .table: say("table of the file", "采用文件的查找表")
        case .window(let window):
            switch grey.source {
            case .file: say("window of the file, centre ", "采用文件的窗，窗位 ")
            case .model: say("window of the model, centre ", "采用模型的窗，窗位 ")
            case .frame: say("from the image's smallest to its largest value, centre ", "采用图像自身最小至最大值，窗位 ")
            }
            number(window.centre)
            say(", width ", "，窗宽 ")
            number(window.width)
        }
        stop()
        endLine()
    }

    private mutating func writeQuality(_ result: FindingResult) {
        say("Quality: ", "图像质量：")
        if let quality = result.quality, quality.isAssessed {
            result.status == .failed
                ? say("measured by the model's quality gate", "经模型质量检查测得") : say("the image passes the model's quality gate", "通过模型质量检查")
            for (index, measure) in quality.measures.enumerated() {
                index == 0 ? say(" (", "（") : listComma()
                let name = measure.name.twoWords(in: measureTable)
                say(name?.english ?? measure.name, name?.chinese ?? measure.name)
                add(" ")
                if let value = measure.value { number(value) } else { say("not measured", "未测") }
            }
            if !quality.measures.isEmpty { say(")", "）") }
        } else if result.input.frames != nil {
            say("each frame has its own; see the result", "各帧分别检查，见结果记录")
        } else {
            say("not assessed", "未评估")
        }
        stop()
        endLine()
    }

    private mutating func writeDistribution(_ result: FindingResult) {
        guard result.status == .succeeded || result.status == .partiallySucceeded else { return }
        say("Likeness to the model's images: ", "与模型适用图像的偏离：")
        if let distance = result.outOfDistribution {
            say("distance ", "偏离度 ")
            number(distance.score)
            say(", limit ", "，界限 ")
            number(distance.threshold)
            distance.isFlagged
                ? say("; beyond it: the image is unlike those that the model was made for, and its scores say nothing", "；超出界限：图像与模型适用的图像差异过大，评分不可采信")
                : say("; within it", "；未超出")
        } else if let flagged = result.input.frames?.flagged {
            say("analysed frames beyond the limit: ", "超出界限的已分析帧：")
            number(flagged)
            say("", " 帧")
        } else {
            say("the model cannot tell", "该模型无法判断")
        }
        stop()
        endLine()
    }

    private mutating func writeInput(_ input: InputReference) {
        if let identifier = input.sopInstanceUID {
            say("SOP instance: ", "SOP 实例：")
            add(identifier)
            if let frame = input.frame {
                say(", frame ", "，帧 ")
                number(frame)
            }
            stop()
            endLine()
        }
        guard let digest = input.sha256 else { return }
        say("Digest of the file: ", "文件摘要：")
        add(digest)
        stop()
        endLine()
    }

    private mutating func writeModel(_ model: ReportModel) {
        let reference = model.reference
        say("Model: ", "模型：")
        add(reference.name)
        say(", version ", "，版本 ")
        add(reference.version)
        say(", digest ", "，摘要 ")
        add(reference.digest)
        reference.keyIdentifier == nil ? say("; the file is not signed", "；文件未签名") : say("; signature valid", "；签名有效")
        stop()
        endLine()
        writeQuoted(model.intendedUse, "The model's use, in its own words: ", "模型声明的用途（原文）：")
        writeQuoted(model.notIntendedUse, "Not to be used for, in its own words: ", "模型声明的不适用范围（原文）：")
    }

    private mutating func writeQuoted(_ text: String, _ english: String, _ chinese: String) {
        guard !text.isEmpty else { return }
        say(english, chinese)
        quote(text)
        endLine()
    }
}

extension String {
    /// The row of a table `key|English|Chinese` with this key.
    @inline(never)
    func twoWords(in table: String) -> TwoWords? {
        guard let cells = rows(of: table, beginningWith: self).first, cells.count == 3 else { return nil }
        return TwoWords(english: cells[1], chinese: cells[2])
    }
}

/// PS3.3 2024d C.7.3.1.1.1, those that a report is likely to meet; others are named by their term.
private let modalityTable = """
    CR|computed radiography|计算机X线摄影
    DX|digital radiography|数字X线摄影
    RG|radiograph|X线摄影
    MG|mammography|乳腺X线摄影
    US|ultrasound|超声
    CT|computed tomography|CT
    MR|magnetic resonance|磁共振
    OP|ophthalmic photography|眼底照相
    XC|external camera photography|外部相机摄影
    GM|general microscopy|显微摄影
    SM|slide microscopy|玻片显微摄影
    """
private let viewTable = """
    PA|view PA|后前位（PA）
    AP|view AP|前后位（AP）
    LL|view LL|左侧位（LL）
    RL|view RL|右侧位（RL）
    CC|view CC|头尾位（CC）
    MLO|view MLO|内外斜位（MLO）
    ML|view ML|内外侧位（ML）
    LM|view LM|外内侧位（LM）
    """
private let sideTable = """
    R|right side|右侧
    L|left side|左侧
    B|both sides|双侧
    """
private let measureTable = """
    shortSide|shorter side, pixels|短边像素
    colour|share of coloured pixels|彩色像素占比
    brightness|brightness|亮度
    contrast|contrast|对比度
    saturation|share of saturated pixels|过曝像素占比
    blur|blur|模糊度
    text|share under text|文字遮盖占比
    """
