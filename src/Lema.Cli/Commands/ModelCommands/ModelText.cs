using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>One model as text.</summary>
internal static class ModelText
{
    public static void Write(IAnsiConsole console, Model model) => Properties(model).Write(console);

    /// <summary>Names and values, to which a caller may add.</summary>
    public static PropertyList Properties(Model model)
    {
        PropertyList list = new();
        list.Add("name", model.Name);
        list.Add("family", model.Family);
        list.Add("parameters", Quantity.Count(model.Parameters));
        list.Add("weights", $"{Quantity.Bytes(model.WeightBytes)} ({Quantity.Count(model.WeightBytes)} bytes), {model.Dtype}");
        list.Add("layers", Quantity.Count(model.Layers));
        list.Add("vocabulary", Quantity.Count(model.VocabularySize));
        list.Add("positions", Quantity.Count(model.MaxPositions));
        list.Add("prepared", model.Prepared ? "yes" : $"no; write it in layer order with: lema-remote model prepare {model.Name}");
        if (model.Problem.Length > 0) list.Add("problem", model.Problem);
        return list;
    }
}
