namespace Lema.Engine.Datasets.Templates;

internal enum TemplateErrorKind { Syntax, Undefined, Type, Security, Raised, Limit, Other }

/// <summary>A template that cannot be parsed or rendered; <see cref="ChatTemplate"/> turns it into the error that users see.</summary>
internal sealed class TemplateError(TemplateErrorKind kind, string message) : Exception(message)
{
    public TemplateErrorKind Kind { get; } = kind;

    public static TemplateError Type(string message) => new(TemplateErrorKind.Type, message);

    public static TemplateError Other(string message) => new(TemplateErrorKind.Other, message);

    public static TemplateError Limit(string message) => new(TemplateErrorKind.Limit, message);
}
