<?php
// php -S 0.0.0.0:3000 endpoint.php
$secret = base64_decode(preg_replace('/^whsec_/', '', getenv('WEBHOOK_SECRET') ?: ''));
if ($secret === '') {
    http_response_code(500);
    exit('Set WEBHOOK_SECRET.');
}
$body = file_get_contents('php://input'); // the raw bytes: the signature covers them

function hasValidSignature(string $body, string $secret): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '0';
    if (abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $secret, true));
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $one) {
        if (hash_equals($expected, $one)) {
            return true;
        }
    }
    return false;
}

if (!hasValidSignature($body, $secret)) {
    http_response_code(401);
    exit;
}
$message = json_decode($body, true);
if ($message['event'] === 'webhook:verify') { // the handshake
    echo $message['payload'];
    exit;
}
error_log($message['event']); // your code
