/* gSOAP's wsse plug-in as somebody to talk to: the functions soapcpp2 writes from our WSDL, called line by line.
 *
 *   set NAME VALUE                 policy, replies, username, password, url, spoil (bare, wrong-password, tampered); files:
 *                                  ca, tls (key and certificate), sign_key, sign_certificate, peer_certificate
 *   hello                       -> version N.N.N
 *   call OPERATION ELEMENT      -> reply PROOF<tab>ELEMENT | fault CODE TEXT
 *   serve                       -> url URL, and from then on: asked PROOF<tab>ELEMENT, answered by: answer ELEMENT;
 *                                  or: refused WHY
 *   stop                        -> stopped
 *
 * An element is the Body's child on one line. */
#include <poll.h>
#include <signal.h>
#include "soapH.h"
#include "MeterpostSoap.nsmap"
#include "plugin/wsseapi.h"

#define OPERATIONS(EACH) \
    EACH(RegisterProxy) EACH(RegisterProxyDevices) EACH(SyncProxy) EACH(SyncProxyStatus) EACH(BillingTransaction)

enum { LINE = 1 << 20, SETTINGS = 32, LIFETIME_S = 300, PATIENCE_S = 20 };

static struct { char name[32], value[1024]; } settings[SETTINGS];
static char line[LINE];

static const char *setting(const char *name)
{
    for (int i = 0; i < SETTINGS; i++)
        if (!strcmp(settings[i].name, name))
            return settings[i].value;
    return "";
}

static void set(const char *name, const char *value)
{
    for (int i = 0; i < SETTINGS; i++)
        if (!*settings[i].name || !strcmp(settings[i].name, name)) {
            snprintf(settings[i].name, sizeof settings[i].name, "%s", name);
            snprintf(settings[i].value, sizeof settings[i].value, "%s", value);
            return;
        }
    abort();
}

static int is(const char *name, const char *value) { return !strcmp(setting(name), value); }

static int says(const char *policy, const char *word) { return strstr(policy, word) != NULL; }

/* ---- keys */

static void *pem(const char *file, void *(*read)(BIO *))
{
    BIO *bio = BIO_new_file(file, "r");
    void *found = bio ? read(bio) : NULL;
    BIO_free(bio);
    return found;
}

static void *read_key(BIO *bio) { return PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL); }

static void *read_certificate(BIO *bio) { return PEM_read_bio_X509(bio, NULL, NULL, NULL); }

/* ---- sealing and judging */

static int seal(struct soap *soap, const char *policy)
{
    static unsigned count;
    char password[sizeof settings[0].value + 1], id[16];
    if (is("spoil", "bare"))
        return SOAP_OK;
    /* An RSA signature is the same for the same message, and times are in whole seconds: what is said twice in one second is
     * told from a replay by its Id. */
    snprintf(id, sizeof id, "T%u", ++count);
    snprintf(password, sizeof password, "%s%s", setting("password"), is("spoil", "wrong-password") ? "!" : "");
    soap_wsse_add_Timestamp(soap, id, LIFETIME_S);
    if (says(policy, "digest"))
        soap_wsse_add_UsernameTokenDigest(soap, "U", setting("username"), password);
    if (says(policy, "text"))
        soap_wsse_add_UsernameTokenText(soap, "U", setting("username"), password);
    if (says(policy, "signed")) {
        EVP_PKEY *key = pem(setting("sign_key"), read_key);
        X509 *certificate = pem(setting("sign_certificate"), read_certificate);
        soap_wsse_add_BinarySecurityTokenX509(soap, "X", certificate);
        soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(soap, "#X");
        soap_wsse_sign_body(soap, SOAP_SMD_SIGN_RSA_SHA256, key, 0); /* and all that has a wsu:Id above */
        X509_free(certificate);
    }
    return soap->error;
}

/* The plug-in checks signatures while it reads, with the key it is told of here. */
static void expect(struct soap *soap, const char *policy)
{
    X509 *certificate;
    if (!says(policy, "signed"))
        return;
    certificate = pem(setting("peer_certificate"), read_certificate);
    soap_wsse_verify_auto(soap, SOAP_SMD_VRFY_RSA_SHA256, X509_get_pubkey(certificate), 0);
    X509_free(certificate);
}

/* What is proven about the message that was just read, NULL where that is less than the policy asks for. */
static const char *proof(struct soap *soap, const char *policy)
{
    static const char wsu[] = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    static const char wsse[] = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    int token = says(policy, "digest") || says(policy, "text");
    if (soap_wsse_verify_Timestamp(soap))
        return NULL;
    if (token) { /* to ask for one that is not there would be a fault, and forget the header */
        const char *username = soap_wsse_get_Username(soap);
        if (!username || strcmp(username, setting("username")) || soap_wsse_verify_Password(soap, setting("password")))
            return NULL;
    }
    if (says(policy, "signed")) {
        if (soap_wsse_verify_body(soap) || !soap_wsse_verify_element(soap, wsu, "Timestamp"))
            return NULL;
        if (token && !soap_wsse_verify_element(soap, wsse, "UsernameToken"))
            return NULL;
    }
    return policy;
}

/* ---- elements as text */

static struct soap *texts; /* reads and writes them, and keeps what it read until the next message */

static void begin_text(const char *element)
{
    soap_destroy(texts);
    soap_end(texts);
    texts->is = element;
}

static void print_text(const char *head, const char *element)
{
    printf("%s\t", head);
    for (; *element; element++)
        putchar(*element == '\n' || *element == '\r' ? ' ' : *element);
    putchar('\n');
    fflush(stdout);
}

static int next_line(void)
{
    if (!fgets(line, sizeof line, stdin))
        exit(0);
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

static const char *after(const char *word)
{
    size_t length = strlen(word);
    return !strncmp(line, word, length) && line[length] == ' ' ? line + length + 1 : NULL;
}

/* ---- what both sides of the wire have in common */

static int (*send_as_is)(struct soap *, const char *, size_t);

/* Changes a character of a Body that was signed. */
static int send_tampered(struct soap *soap, const char *data, size_t size)
{
    static const char *const names[] = {" version=\"", " time=\""};
    char *copy = soap_malloc(soap, size + 1);
    memcpy(copy, data, size);
    copy[size] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *found = strstr(copy, names[i]);
        if (found)
            found[strlen(names[i])] = '9';
    }
    return send_as_is(soap, copy, size);
}

static struct soap *made(void)
{
    /* What it compresses it sends in chunks, and our server wants a length; so it only reads gzip. */
    struct soap *soap = soap_new1(SOAP_C_UTFSTRING | SOAP_XML_CANONICAL);
    soap_register_plugin(soap, soap_wsse);
    soap->connect_timeout = soap->recv_timeout = soap->send_timeout = PATIENCE_S;
    if (is("spoil", "tampered")) {
        send_as_is = soap->fsend;
        soap->fsend = send_tampered;
    }
    return soap;
}

/* ---- the client */

static const char *in_dom(struct soap *soap, const char *name)
{
    for (struct soap_dom_element *element = soap->dom; element; element = soap_dom_next_element(element, NULL))
        if (element->name && !strcmp(element->name, name) && element->text)
            return element->text;
    return NULL;
}

/* Where a signature is asked for, and the fault came without, the plug-in puts a fault of its own in its place. */
static void tell_fault(struct soap *soap)
{
    const char *code = in_dom(soap, "faultcode"), *text = in_dom(soap, "faultstring"), *colon;
    if (!code)
        code = *soap_faultcode(soap), text = *soap_faultstring(soap);
    colon = code ? strrchr(code, ':') : NULL;
    printf("fault %s %s\n", colon ? colon + 1 : code ? code : "none", text ? text : "");
    fflush(stdout);
}

#define CALL(NAME) \
    if (!strncmp(line + 5, #NAME " ", sizeof #NAME)) { \
        struct _ns1__##NAME asked; \
        struct _ns1__##NAME##Response replied; \
        const char *text = NULL; \
        begin_text(line + 5 + sizeof #NAME); \
        if (soap_read__ns1__##NAME(texts, &asked)) { \
            soap_print_fault(texts, stderr); \
            abort(); \
        } \
        if (soap_call___ns1__##NAME(soap, setting("url"), "urn:meterpost:1:" #NAME, &asked, &replied)) \
            return tell_fault(soap); \
        if (!proof(soap, setting("replies"))) { \
            printf("fault not-believed %s\n", *soap_faultstring(soap) ? *soap_faultstring(soap) : "less than was asked for"); \
            fflush(stdout); \
            return; \
        } \
        texts->os = &text; \
        soap_write__ns1__##NAME##Response(texts, &replied); \
        texts->os = NULL; \
        snprintf(head, sizeof head, "reply %s", setting("replies")); \
        print_text(head, text); \
        return; \
    }

static void call_with(struct soap *soap)
{
    char head[64];
    if (soap_ssl_client_context(soap, SOAP_SSL_REQUIRE_SERVER_AUTHENTICATION, NULL, NULL, setting("ca"), NULL, NULL))
        return tell_fault(soap);
    seal(soap, setting("policy"));
    expect(soap, setting("replies"));
    OPERATIONS(CALL)
    abort();
}

static void call(void)
{
    struct soap *soap = made();
    call_with(soap);
    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
}

/* ---- the server */

#define SERVE(NAME) \
    int __ns1__##NAME(struct soap *soap, struct _ns1__##NAME *asked, struct _ns1__##NAME##Response *reply) \
    { \
        char head[64]; \
        const char *text = NULL; \
        if (!proof(soap, setting("policy"))) \
            return soap->error ? soap->error : soap_sender_fault(soap, "less than was asked for", NULL); \
        begin_text(NULL); \
        texts->os = &text; \
        soap_write__ns1__##NAME(texts, asked); \
        texts->os = NULL; \
        snprintf(head, sizeof head, "asked %s%s", setting("policy"), soap->z_ratio_in < 1 ? ", gzip" : ""); \
        print_text(head, text); \
        next_line(); \
        begin_text(after("answer")); \
        if (soap_read__ns1__##NAME##Response(texts, reply)) \
            abort(); \
        soap_wsse_delete_Security(soap); \
        return seal(soap, setting("replies")); \
    }

OPERATIONS(SERVE)

static void serve(void)
{
    struct soap *soap = made();
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    if (soap_ssl_server_context(soap, SOAP_SSL_NO_AUTHENTICATION, setting("tls"), NULL, NULL, NULL, NULL, NULL, NULL))
        abort();
    soap->bind_flags = SO_REUSEADDR;
    if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", 0, 16)))
        abort();
    getsockname(soap->master, (struct sockaddr *)&bound, &size);
    printf("url https://127.0.0.1:%d/mp\n", ntohs(bound.sin_port));
    fflush(stdout);
    for (;;) {
        struct pollfd waiting[] = {{.fd = 0, .events = POLLIN}, {.fd = soap->master, .events = POLLIN}};
        poll(waiting, 2, -1);
        if (waiting[0].revents) {
            next_line(); /* stop */
            break;
        }
        if (soap_valid_socket(soap_accept(soap)) && !soap_ssl_accept(soap)) {
            expect(soap, setting("policy"));
            if (soap_serve(soap) == SOAP_FAULT) {
                printf("refused %s\n", *soap_faultstring(soap));
                fflush(stdout);
            }
        }
        soap_destroy(soap);
        soap_end(soap);
    }
    soap_free(soap);
    printf("stopped\n");
    fflush(stdout);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdin, NULL, _IONBF, 0); /* what is read is read to its end of line: `serve` waits for more with poll */
    soap_ssl_init();
    texts = soap_new1(SOAP_C_UTFSTRING | SOAP_XML_STRICT);
    while (next_line()) {
        const char *rest = after("set");
        if (rest) {
            const char *value = strchr(rest, ' ');
            char name[32];
            snprintf(name, sizeof name, "%.*s", (int)(value - rest), rest);
            set(name, value + 1);
        } else if (!strcmp(line, "hello")) {
            printf("version %d.%d.%d\n", GSOAP_VERSION / 100000, GSOAP_VERSION / 1000 % 100, GSOAP_VERSION % 1000);
            fflush(stdout);
        } else if (after("call")) {
            call();
        } else if (!strcmp(line, "serve")) {
            serve();
        }
    }
}
