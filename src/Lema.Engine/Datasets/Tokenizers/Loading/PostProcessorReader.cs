using Lema.Engine.Datasets.Tokenizers.PostProcessors;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Builds the post-processor that a tokenizer.json describes, for single texts.</summary>
internal static class PostProcessorReader
{
    public static PostProcessor Read(JsonPart part)
    {
        if (part.IsNull) return PostProcessor.None;
        return part["type"].Text() switch
        {
            "Sequence" => part["processors"].Items().Select(Read).Aggregate(PostProcessor.None, (inner, outer) => inner.Within(outer)),
            // ByteLevel only trims offsets.
            "ByteLevel" => PostProcessor.None,
            "TemplateProcessing" => Template(part),
            "RobertaProcessing" or "BertProcessing" => new PostProcessor([IdOfPair(part["cls"])], [IdOfPair(part["sep"])]),
            _ => throw part.Unsupported("the post-processor"),
        };
    }

    private static PostProcessor Template(JsonPart part)
    {
        List<int> before = [], after = [];
        int sequences = 0;
        foreach (JsonPart item in part["single"].Items())
        {
            if (item["SpecialToken"] is { IsNull: false } special)
            {
                JsonPart ids = part["special_tokens"][special["id"].Text()]["ids"];
                (sequences == 0 ? before : after).AddRange(ids.Items().Select(id => id.Number()));
            }
            else if (item["Sequence"] is { IsNull: false } sequence && sequence["id"].Text() == "A") sequences++;
            else throw item.Invalid("must be a SpecialToken or the Sequence A.");
        }
        if (sequences != 1) throw part["single"].Invalid("must have the Sequence A once.");
        return new PostProcessor(before, after);
    }

    private static int IdOfPair(JsonPart part) => part.Items().Last().Number();
}
