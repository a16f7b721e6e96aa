using Google.Protobuf;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

internal enum PieceType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 }

internal readonly record struct SentencePiece(string Text, float Score, PieceType Type);

/// <summary>The parts of a SentencePiece model file that tokenizing needs (sentencepiece_model.proto of google/sentencepiece).</summary>
internal sealed class SentencePieceModel
{
    private const int BytePairEncoding = 2;

    public List<SentencePiece> Pieces { get; } = [];

    public int ModelType { get; private set; } = 1;

    public int UnknownId { get; private set; }

    public int BosId { get; private set; } = 1;

    public int EosId { get; private set; } = 2;

    public bool ByteFallback { get; private set; }

    public bool AddDummyPrefix { get; private set; } = true;

    public bool RemoveExtraWhitespaces { get; private set; } = true;

    public bool HasCharacterMap { get; private set; }

    /// <exception cref="InvalidInputException">The file is no SentencePiece model of the kind that is supported.</exception>
    public static SentencePieceModel Read(string file)
    {
        SentencePieceModel model = new();
        try
        {
            CodedInputStream input = new(File.ReadAllBytes(file));
            Fields(input, (field, part) =>
            {
                switch (field)
                {
                    case 1: model.Pieces.Add(Piece(part)); break;
                    case 2: model.ReadTrainer(part); break;
                    case 3: model.ReadNormalizer(part); break;
                }
            });
        }
        catch (InvalidProtocolBufferException problem)
        {
            throw new InvalidInputException(file, "", $"is not a SentencePiece model: {problem.Message}", problem);
        }
        if (model.Pieces.Count == 0) throw new InvalidInputException(file, "pieces", "is empty.");
        if (model.ModelType != BytePairEncoding) throw new InvalidInputException(file, "trainer_spec.model_type", "the model 'Unigram' is not supported. Use a model with a BPE tokenizer.");
        if (model.HasCharacterMap) throw new InvalidInputException(file, "normalizer_spec.precompiled_charsmap", "the normalizer 'Precompiled' is not supported. Use a model with an identity normalizer.");
        return model;
    }

    private static SentencePiece Piece(CodedInputStream input)
    {
        (string text, float score, PieceType type) = ("", 0, PieceType.Normal);
        Values(input, tag =>
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1: text = input.ReadString(); break;
                case 2: score = input.ReadFloat(); break;
                case 3: type = (PieceType)input.ReadEnum(); break;
                default: input.SkipLastField(); break;
            }
        });
        return new SentencePiece(text, score, type);
    }

    private void ReadTrainer(CodedInputStream input) => Values(input, tag =>
    {
        switch (WireFormat.GetTagFieldNumber(tag))
        {
            case 3: ModelType = input.ReadEnum(); break;
            case 35: ByteFallback = input.ReadBool(); break;
            case 40: UnknownId = input.ReadInt32(); break;
            case 41: BosId = input.ReadInt32(); break;
            case 42: EosId = input.ReadInt32(); break;
            default: input.SkipLastField(); break;
        }
    });

    private void ReadNormalizer(CodedInputStream input) => Values(input, tag =>
    {
        switch (WireFormat.GetTagFieldNumber(tag))
        {
            case 2: HasCharacterMap = input.ReadBytes().Length > 0; break;
            case 3: AddDummyPrefix = input.ReadBool(); break;
            case 4: RemoveExtraWhitespaces = input.ReadBool(); break;
            default: input.SkipLastField(); break;
        }
    });

    private static void Fields(CodedInputStream input, Action<int, CodedInputStream> read) => Values(input, tag =>
    {
        if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited) read(WireFormat.GetTagFieldNumber(tag), new CodedInputStream(input.ReadBytes().ToByteArray()));
        else input.SkipLastField();
    });

    private static void Values(CodedInputStream input, Action<uint> read)
    {
        for (uint tag; (tag = input.ReadTag()) != 0;) read(tag);
    }
}
