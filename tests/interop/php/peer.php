<?php
// PHP's ext-soap as a peer: its SoapClient and its SoapServer, told what to do line by line (see interop_peers.py).
// ext-soap has no WS-Security; people write the header by hand, and so does this.
declare(strict_types=1);

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';
const DIALECTS = [
    2004 => [
        'wsse' => OASIS . 'wssecurity-secext-1.0.xsd',
        'wsu' => OASIS . 'wssecurity-utility-1.0.xsd',
        'type' => OASIS . 'username-token-profile-1.0#',
        'encoding' => ' EncodingType="' . OASIS . 'soap-message-security-1.0#Base64Binary"',
    ],
    2002 => [
        'wsse' => 'http://schemas.xmlsoap.org/ws/2002/07/secext',
        'wsu' => 'http://schemas.xmlsoap.org/ws/2002/07/utility',
        'type' => 'wsse:',
        'encoding' => '',
    ],
];
const POLICIES = [
    'digest-2002' => [2002, 'PasswordDigest'],
    'digest-2004' => [2004, 'PasswordDigest'],
    'text-2004' => [2004, 'PasswordText'],
    'timestamp-2004' => [2004, null],
];

function say(array $said): void
{
    fwrite(STDOUT, json_encode($said, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR) . "\n");
    fflush(STDOUT);
}

function digest(string $nonce, string $created, string $password): string
{
    return base64_encode(sha1($nonce . $created . $password, true));
}

/** The Security header, and the Timestamp in it or, in the draft, beside it, as SoapHeaders. */
function headers(object $how, string $name): array
{
    [$year, $kind] = POLICIES[$name];
    $in = DIALECTS[$year];
    $created = gmdate('Y-m-d\TH:i:s\Z');
    $nonce = random_bytes(16);
    $password = htmlspecialchars($kind === 'PasswordDigest' ? digest($nonce, $created, $how->password) : $how->password, ENT_XML1);
    $declared = "xmlns:wsse=\"{$in['wsse']}\" xmlns:wsu=\"{$in['wsu']}\"";
    $timestamp = "<wsu:Timestamp xmlns:wsu=\"{$in['wsu']}\"><wsu:Created>$created</wsu:Created></wsu:Timestamp>";
    $used = '<wsse:Nonce' . $in['encoding'] . '>' . base64_encode($nonce) . "</wsse:Nonce><wsu:Created>$created</wsu:Created>";
    $token = $kind === null ? '' : '<wsse:UsernameToken><wsse:Username>' . htmlspecialchars($how->username, ENT_XML1) . '</wsse:Username>'
        . "<wsse:Password Type=\"{$in['type']}$kind\">$password</wsse:Password>"
        . ($kind === 'PasswordDigest' || !empty($how->options->nonce) ? $used : '') . '</wsse:UsernameToken>';
    $inside = $year === 2004 ? $timestamp : '';
    $security = "<wsse:Security $declared SOAP-ENV:mustUnderstand=\"1\">$inside$token</wsse:Security>";
    $headers = [new SoapHeader($in['wsse'], 'Security', new SoapVar($security, XSD_ANYXML))];
    if ($year === 2002) {
        $headers[] = new SoapHeader($in['wsu'], 'Timestamp', new SoapVar($timestamp, XSD_ANYXML));
    }
    return $headers;
}

/** What was found proven about a message, in words. Throws an Exception that says what is wrong. */
function prove(string $xml, object $how, string $name): string
{
    [$year, $kind] = POLICIES[$name];
    $document = new DOMDocument();
    if (!$document->loadXML($xml, LIBXML_NONET)) {
        throw new Exception('not XML');
    }
    $at = new DOMXPath($document);
    foreach (['wsse', 'wsu'] as $prefix) {
        $at->registerNamespace($prefix, DIALECTS[$year][$prefix]);
    }
    $at->registerNamespace('s', SOAP);
    $header = '/s:Envelope/s:Header';
    only($at, "$header/wsse:Security");
    $created = only($at, ($year === 2004 ? "$header/wsse:Security" : $header) . '/wsu:Timestamp/wsu:Created');
    if (abs(time() - strtotime($created)) > 300) {
        throw new Exception('not fresh');
    }
    if ($kind === null) {
        return 'fresh';
    }
    $token = "$header/wsse:Security/wsse:UsernameToken";
    if (only($at, "$token/wsse:Username") !== $how->username) {
        throw new Exception('not the user');
    }
    if (only($at, "$token/wsse:Password/@Type") !== DIALECTS[$year]['type'] . $kind && $year === 2004) {
        throw new Exception("not a $kind");
    }
    $expected = $kind === 'PasswordText' ? $how->password
        : digest(base64_decode(only($at, "$token/wsse:Nonce"), true), only($at, "$token/wsu:Created"), $how->password);
    if (!hash_equals($expected, only($at, "$token/wsse:Password"))) {
        throw new Exception('wrong password');
    }
    return $kind;
}

function only(DOMXPath $at, string $path): string
{
    $found = $at->query($path);
    if ($found->length !== 1) {
        throw new Exception("not exactly one $path");
    }
    return $found->item(0)->textContent;
}

class Client extends SoapClient
{
    public ?array $tamper = null;

    public function __doRequest(string $request, string $location, string $action, int $version, bool $oneWay = false): ?string
    {
        return parent::__doRequest($this->tamper ? str_replace($this->tamper[0], $this->tamper[1], $request) : $request,
            $location, $action, $version, $oneWay);
    }
}

/** The vendor: asks the other end what to answer. */
class Vendor
{
    public string $proof = '';
    public ?SoapServer $server = null;
    /** @var SoapHeader[] of the reply; ext-soap takes them only while an operation runs */
    public array $headers = [];

    public function __call(string $operation, array $arguments): mixed
    {
        if ($operation === 'Security' || $operation === 'Timestamp') {
            return null;  // the headers, which were judged before; without these methods mustUnderstand would be a fault
        }
        array_map($this->server->addSoapHeader(...), $this->headers);
        say(['asked' => $operation, 'message' => $arguments[0], 'proof' => $this->proof]);
        return json_decode(fgets(STDIN))->answer;
    }
}

class Peer
{
    private ?Client $client = null;
    private object $how;
    private mixed $listener = null;
    private SoapServer $server;
    private Vendor $vendor;

    public function hello(): array
    {
        return ['version' => PHP_VERSION];
    }

    public function client(object $how): array
    {
        $this->how = $how;
        $tls = stream_context_create(['ssl' => ['cafile' => $how->ca, 'verify_peer' => true, 'verify_peer_name' => true]]);
        $this->client = new Client($how->wsdl, [
            'stream_context' => $tls, 'cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS, 'trace' => true,
        ] + (empty($how->gzip) ? [] : ['compression' => SOAP_COMPRESSION_ACCEPT | SOAP_COMPRESSION_GZIP]));
        $this->client->tamper = $how->tamper ?? null;
        return ['ready' => true];
    }

    public function call(object $asked): array
    {
        $this->client->__setSoapHeaders(headers($this->how, $this->how->policy));
        try {
            $reply = $this->client->__soapCall($asked->operation, [$asked->message]);
        } catch (SoapFault $fault) {
            return ['fault' => ['code' => preg_replace('/.*:/', '', $fault->faultcode), 'text' => $fault->faultstring]];
        }
        try {
            $proof = prove($this->client->__getLastResponse(), $this->how, $this->how->replies);
        } catch (Exception $error) {
            return ['fault' => ['code' => 'not-believed', 'text' => $error->getMessage()]];
        }
        return ['reply' => $this->lists($reply), 'proof' => $proof];
    }

    /** Single children as lists of one, as JSON messages have them. */
    private function lists(mixed $value): mixed
    {
        if (is_array($value)) {
            return array_map($this->lists(...), $value);
        }
        if (!is_object($value)) {
            return $value;
        }
        $message = [];
        foreach (get_object_vars($value) as $name => $item) {
            $message[$name] = is_object($item) ? [$this->lists($item)] : $this->lists($item);
        }
        return $message;
    }

    public function serve(object $how): array
    {
        $this->how = $how;
        $this->vendor = new Vendor();
        $this->server = new SoapServer("$how->contract/meterpost.wsdl", ['cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS]);
        $this->vendor->server = $this->server;
        $this->server->setObject($this->vendor);
        $tls = stream_context_create(['ssl' => ['local_cert' => $how->certificate, 'local_pk' => $how->key, 'verify_peer' => false]]);
        $this->listener = stream_socket_server('tls://127.0.0.1:0', $code, $why, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $tls);
        if ($this->listener === false) {
            throw new Exception($why);
        }
        return ['url' => 'https://' . stream_socket_get_name($this->listener, false) . '/mp'];
    }

    public function stop(): array
    {
        fclose($this->listener);
        $this->listener = null;
        return ['stopped' => true];
    }

    /** One request on a connection of its own. */
    private function answer(): void
    {
        $connection = @stream_socket_accept($this->listener, 10);
        if ($connection === false) {
            return;
        }
        $head = '';
        while (!str_ends_with($head, "\r\n\r\n") && ($line = fgets($connection)) !== false) {
            $head .= $line;
        }
        preg_match('/^Content-Length: *(\d+)/mi', $head, $length);
        $body = $length ? stream_get_contents($connection, (int) $length[1]) : '';
        if (preg_match('/^Content-Encoding: *gzip/mi', $head)) {
            $body = gzdecode($body, 1 << 24);
        }
        if ($body !== '') {
            [$status, $reply] = $this->judge($body);
            fwrite($connection, "HTTP/1.1 $status\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: " . strlen($reply)
                . "\r\nConnection: close\r\n\r\n" . $reply);
        }
        fclose($connection);
    }

    private function judge(string $xml): array
    {
        try {
            $this->vendor->proof = prove($xml, $this->how, $this->how->policy);
        } catch (Exception $error) {
            say(['refused' => $error->getMessage()]);
            return ['500 Internal Server Error', '<e:Envelope xmlns:e="' . SOAP . '"><e:Body><e:Fault><faultcode>e:Client</faultcode>'
                . '<faultstring>Authentication failed</faultstring></e:Fault></e:Body></e:Envelope>'];
        }
        $spoil = $this->how->spoil ?? '';
        $how = clone $this->how;
        $how->password .= $spoil === 'wrong-password' ? '!' : '';
        $this->vendor->headers = $spoil === 'bare' ? [] : headers($how, $how->replies);
        ob_start();
        $this->server->handle($xml);
        return ['200 OK', ob_get_clean()];
    }

    public function run(): void
    {
        while (true) {
            $ready = array_filter([STDIN, $this->listener]);
            $none = null;
            stream_select($ready, $none, $none, null);
            if (in_array(STDIN, $ready, true)) {
                $line = fgets(STDIN);
                if ($line === false) {
                    return;
                }
                $asked = json_decode($line, false, 512, JSON_THROW_ON_ERROR);
                try {
                    say($this->{$asked->do}($asked));
                } catch (Throwable $error) {
                    say(['broken' => (string) $error]);
                }
            } else {
                $this->answer();
            }
        }
    }
}

stream_set_blocking(STDIN, true);
stream_set_read_buffer(STDIN, 0);  // what select cannot see must not wait in a buffer
(new Peer())->run();
