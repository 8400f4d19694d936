import TernFindings

/// What to do about a study that was not analysed.
enum Remedy: Equatable {
    /// The picture is poor: take it again.
    case takeAgain
    /// The picture is of another kind than the model's.
    case otherModel
    /// The file is damaged, too large or of a kind that is not read.
    case sendAgain
    /// The program could not.
    case askSupport

    init(_ reason: CodedTerm?) {
        switch reasonRow(reason)?.first?.utf8.first {
        case UInt8(ascii: "q"): self = .takeAgain
        case UInt8(ascii: "m"): self = .otherModel
        case UInt8(ascii: "s"): self = .askSupport
        default: self = .sendAgain
        }
    }
}

extension WordsText {
    /// Why something was not analysed, in words.
    @inline(never)
    mutating func reason(_ reason: CodedTerm?) {
        guard let reason else { return say("no reason is stated", "未说明原因") }
        if isChinese, let row = reasonRow(reason), row.count == 3 {
            add(String(row[2]))
        } else if isChinese {
            quote(reason.meaning)
        } else {
            add(reason.meaning)
        }
        say(" (code ", "（代码 ")
        add(reason.value)
        say(")", "）")
    }
}

/// Remedy, code and Chinese words of a reason of ours; nil for one that the table does not have.
private func reasonRow(_ reason: CodedTerm?) -> [Substring]? {
    guard let reason, reason.scheme == "99TERN" else { return nil }
    for row in reasonTable.split(separator: "\n") {
        let cells = row.split(separator: "|")
        if cells.count == 3, cells[1].utf8.elementsEqual(reason.value.utf8) { return cells }
    }
    return nil
}

/// Remedy (q take again, m other model, f send again or none, s support), value in the scheme 99TERN, Chinese. English is the meaning that the result has.
private let reasonTable = """
    q|BURNED-IN|文件标明图像中烧录有标注
    q|LOSSY|图像经有损压缩，不符合模型要求
    q|IMAGE-TOO-SMALL|图像尺寸过小，不满足模型要求
    q|CONSTANT|图像灰度几乎无变化
    q|TOO-DARK|图像过暗
    q|SATURATED|图像过曝区域过多
    q|BLURRED|图像模糊
    q|TEXT-OVER-FIELD|图像视野内叠有文字
    m|VIEW-OTHER|投照体位与模型不符
    m|COLOUR-NOT-GREY|图像为彩色，模型需要灰度图像
    m|GREY-NOT-COLOUR|图像为灰度，模型需要彩色图像
    m|MODALITY-MISSING|文件未标明检查类型
    m|MODALITY-OTHER|检查类型与模型不符
    m|NO-UNITS|模型需要带物理单位的数值，文件未提供
    m|NOT-FINITE|模型对该图像未给出有效数值
    s|ENGINE|推理引擎故障
    s|QUEUE-DAMAGED|已接收的检查无法从磁盘完整读回
    s|NOT-ATTEMPTED|未尝试分析
    f|UNCONFIRMED|阈值未针对该模型文件确认
    f|OUT-OF-DISTRIBUTION|图像与模型适用的图像差异过大
    f|NO-LABELS|模型不报告任何标签
    f|NO-OPERATING-POINT|有标签未设工作点
    f|FRAMES-OUT-OF-DISTRIBUTION|部分帧与模型适用的图像差异过大
    f|NEAR-THRESHOLD|有评分过于接近阈值
    f|EMPTY|输入为空
    f|NOT-OPENED|文件无法打开
    f|FILE-TOO-LARGE|文件过大
    f|FRAMES-REFUSED|部分帧未分析
    f|NOT-ONE-FRAME|实时帧应为单幅图像，文件含多帧
    f|KIND-MISMATCH|文件内容与所声明的格式不符
    f|NO-SUCH-FRAME|文件不含所要求的全部帧
    f|FRAMES-LIMIT|单次检查的帧数过多
    f|KIND-UNKNOWN|不是 DICOM、NIfTI、JPEG 或 PNG 文件
    f|IMAGE-EMPTY|图像没有像素
    f|IMAGE-TOO-LARGE|图像过大
    f|JPEG-DAMAGED|JPEG 文件损坏
    f|JPEG-TRUNCATED|JPEG 文件不完整
    f|JPEG-COMPONENTS|JPEG 文件既非灰度也非 RGB
    f|JPEG-PRECISION|不支持该位深的 JPEG
    f|JPEG-PROCESS|不支持该 JPEG 编码方式
    f|JPEG-ARITHMETIC|不支持算术编码的 JPEG
    f|JPEG-SCANS|JPEG 文件扫描次数过多
    f|JPEG-SAMPLING|不支持降采样的无损 JPEG
    f|JPEG-HEIGHT|不支持高度后置的 JPEG
    f|J2K-DAMAGED|JPEG 2000 图像损坏
    f|J2K-TRUNCATED|JPEG 2000 图像不完整
    f|J2K-PRECISION|不支持该位深的 JPEG 2000
    f|J2K-COMPONENTS|JPEG 2000 图像既非灰度也非 RGB
    f|J2K-FEATURE|不支持该 JPEG 2000 特性
    f|J2K-TOO-LARGE|JPEG 2000 图像所需资源过多
    f|PNG-DAMAGED|PNG 文件损坏
    f|PNG-TRUNCATED|PNG 文件不完整
    f|PNG-NOT-OPAQUE|PNG 图像含透明像素
    f|DICOM-DAMAGED|DICOM 文件损坏
    f|DICOM-TRUNCATED|DICOM 文件不完整
    f|DICOM-DEPTH|DICOM 序列嵌套过深
    f|DICOM-ATTRIBUTE|DICOM 属性缺失、重复或无效
    f|DICOM-NO-PIXELS|DICOM 文件不含图像
    f|DICOM-SYNTAX|不支持该 DICOM 传输语法
    f|DICOM-FRAMES|DICOM 文件帧数过多
    f|DICOM-FRAGMENTS|DICOM 像素片段与帧数不符
    f|DICOM-NO-FRAME|DICOM 文件不含该帧
    f|DICOM-DEFLATE|DICOM 压缩数据集损坏
    f|DICOM-TOO-LARGE|DICOM 解压后数据过大
    f|DICOM-RLE|DICOM 游程编码损坏
    f|DICOM-FRAME|DICOM 压缩图像与数据集不符
    f|DICOM-PIXELS|不支持该 DICOM 像素格式
    f|DICOM-GREYSCALE|不支持该 DICOM 灰度变换
    f|DICOM-PIXEL-DATA|DICOM 像素数据长度不符
    f|NIFTI-ANALYZE|ANALYZE 格式未标明左右，请转换为 NIfTI
    f|NIFTI-AXES|NIfTI 文件维数不支持
    f|NIFTI-DAMAGED|NIfTI 文件损坏
    f|NIFTI-DATATYPE|不支持该 NIfTI 数据类型
    f|NIFTI-NOT-FINITE|NIfTI 切面含非有限数值
    f|NIFTI-ORIENT|NIfTI 空间变换无效
    f|NIFTI-PAIR|NIfTI 文件对缺少其一
    f|NIFTI-TOO-LARGE|NIfTI 体数据过大
    f|NIFTI-TRUNCATED|NIfTI 文件不完整
    """
