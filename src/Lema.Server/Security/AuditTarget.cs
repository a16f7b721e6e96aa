using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lema.Server.Security;

/// <summary>What a request is about, for the audit log: its first field that names something.</summary>
internal static class AuditTarget
{
    private static readonly string[] Fields = ["run", "name", "id", "upload_id", "owner", "model_name", "model"];

    public static string Of(object request)
    {
        if (request is not IMessage message) return "";
        foreach (string name in Fields)
            if (message.Descriptor.FindFieldByName(name) is { FieldType: FieldType.String, IsRepeated: false } field && field.Accessor.GetValue(message) is string { Length: > 0 } value)
                return value.Length <= 200 ? value : value[..200];
        return "";
    }
}
